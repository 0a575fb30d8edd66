import { defineConfig } from "vitest/config";

/** Tests of the whole console, in a browser against the running local stack: one after the other, each on a stack of its own. */
export default defineConfig({
  test: {
    environment: "node",
    include: ["tests/**/*.e2e.ts"],
    fileParallelism: false,
    testTimeout: 90_000,
    hookTimeout: 60_000,
  },
});
