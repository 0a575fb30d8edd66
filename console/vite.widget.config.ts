import tailwind from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** `element` is whole: it brings React along. The package leaves React to the app that uses it. */
const isElement = process.env["HERALD_WIDGET"] === "element";

export default defineConfig({
  plugins: [react(), tailwind()],
  define: { "process.env.NODE_ENV": '"production"' },
  publicDir: false,
  build: {
    target: "es2022",
    outDir: "widget/dist",
    emptyOutDir: !isElement,
    lib: { entry: isElement ? "src/widget/element.tsx" : "src/widget/index.ts", formats: ["es"], fileName: isElement ? "element" : "index" },
    rolldownOptions: { external: isElement ? [] : ["react", "react-dom", "react/jsx-runtime", "react-dom/client"] },
  },
});
