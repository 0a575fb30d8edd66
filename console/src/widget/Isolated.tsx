import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";

import css from "../styles/widget.css?inline";

let sheet: CSSStyleSheet | null = null;

/** One sheet for every card of the page. Constructed ones need no permission of a content policy. */
function styles(): CSSStyleSheet {
  if (sheet !== null) return sheet;
  sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  // A shadow root knows no @property; the names are Tailwind's own and mean nothing to the host.
  const properties = new CSSStyleSheet();
  properties.replaceSync((css.match(/@property[^{]+\{[^}]*\}/g) ?? []).join(""));
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, properties];
  return sheet;
}

/** Renders its children where the host's styles do not reach. */
export function Isolated({ theme, children }: { theme: "light" | "dark" | "system"; children: ReactNode }) {
  const host = useRef<HTMLDivElement>(null);
  const [root, setRoot] = useState<ShadowRoot | null>(null);
  useLayoutEffect(() => {
    const element = host.current;
    if (element === null) return;
    const shadow = element.shadowRoot ?? element.attachShadow({ mode: "open" });
    shadow.adoptedStyleSheets = [styles()];
    setRoot(shadow);
  }, []);
  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const dark = window.matchMedia("(prefers-color-scheme: dark)");
    const apply = () => {
      element.dataset["theme"] = theme === "system" ? (dark.matches ? "dark" : "light") : theme;
    };
    apply();
    dark.addEventListener("change", apply);
    return () => dark.removeEventListener("change", apply);
  }, [theme]);
  return <div ref={host}>{root !== null && createPortal(<div className="font-sans text-[0.9375rem] leading-normal text-ink">{children}</div>, root)}</div>;
}
