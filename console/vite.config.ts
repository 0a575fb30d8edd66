import tailwind from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// A running local stack, for `npm run dev`.
const stack = process.env["HERALD_PUBLIC_URL"] ?? "http://127.0.0.1:4000";

export default defineConfig({
  base: "/console/",
  plugins: [react(), tailwind()],
  build: {
    target: "es2022",
    // Every style, font and script is a file of its own: the content policy knows no inline ones.
    assetsInlineLimit: 0,
    manifest: "manifest.json",
    modulePreload: { polyfill: false },
  },
  server: {
    host: "127.0.0.1",
    proxy: { "/api": stack, "/local": stack, "/console/config.json": stack },
  },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/testing/setup.ts"],
  },
});
