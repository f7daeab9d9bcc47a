import { adapterContract } from "../support/adapter-contract.js";
import { calendars } from "../support/adapter-databases.js";

adapterContract("city-health", calendars);
