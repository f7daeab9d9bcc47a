import { adapterContract } from "../support/adapter-contract.js";

adapterContract("ehr-clinic");
