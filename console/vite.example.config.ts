import { defineConfig } from "vite";

const stack = process.env["HERALD_PUBLIC_URL"] ?? "http://127.0.0.1:4000";

/** The example page, with the stack behind the same address. */
export default defineConfig({
  root: "widget",
  server: { host: "127.0.0.1", port: 5174, open: "/example/", proxy: { "/api": stack, "/local": stack } },
});
