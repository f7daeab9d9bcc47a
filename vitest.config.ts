import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts", "client/test/**/*.test.ts", "create-hms-adapter/test/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**", "test/laravel-app/**"],
    globalSetup: ["test/support/fresh-build.ts", "test/support/run-directory.ts"],
    setupFiles: ["test/support/leaks.ts"],
    pool: "forks", // test/support/leaks.ts counts the children of the test file's own process
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
