import { adapterContract } from "../support/adapter-contract.js";

adapterContract("city-health");
