import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts", "client/test/**/*.test.ts", "adapters/*/test/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**", "test/laravel-app/**"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
