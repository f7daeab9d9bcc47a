import { adapterContract } from "../support/adapter-contract.js";
import { sqliteFiles } from "../support/adapter-databases.js";

adapterContract("ehr-clinic", sqliteFiles);
