// What the client costs an adapter, alone. usage: node bench/adapter.mjs [options of bench.mjs, e.g. --full for 1,000,000 events]
process.argv.push("--only", "h");
await import("./bench.mjs");
