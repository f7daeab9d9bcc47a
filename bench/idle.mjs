// What an idle bus costs, alone. usage: node bench/idle.mjs [options of bench.mjs]
process.argv.push("--only", "e");
await import("./bench.mjs");
