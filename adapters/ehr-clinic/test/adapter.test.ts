import { adapterContract } from "../../../test/support/adapter-contract.js";

adapterContract("ehr-clinic");
