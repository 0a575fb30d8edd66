import { Link, Outlet, useRouteContext, useRouterState } from "@tanstack/react-router";
import { LogOut, Monitor, Moon, Sun, WifiOff } from "lucide-react";
import { type ComponentType, useEffect, useRef, useState } from "react";

import { IconButton } from "../ui/Button";
import { cx } from "../ui/classes";
import { BottomNav, SideNav } from "./Nav";
import { applyTheme, storedTheme, type Theme } from "./theme";

/** The frame around every page. */
export function Shell() {
  const { session, login, version } = useRouteContext({ from: "__root__" });
  const main = useRef<HTMLElement>(null);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const first = useRef(true);
  useEffect(() => {
    // A new page is announced by its heading; the first one by the browser itself.
    if (!first.current) main.current?.focus({ preventScroll: true });
    first.current = false;
    const heading = main.current?.querySelector("h1")?.textContent;
    document.title = heading ? `${heading} · Herald` : "Herald";
  }, [path]);
  const who = session.role === "admin" ? "Staff" : (session.talentId ?? "Talent");
  return (
    <div className="min-h-dvh lg:grid lg:grid-cols-[15rem_1fr]">
      <a href="#main" className="sr-only z-50 rounded-control bg-surface px-4 py-2 focus:not-sr-only focus:fixed focus:top-3 focus:left-3">
        Skip to the page
      </a>
      <aside className="sticky top-0 hidden h-dvh flex-col border-r border-line px-4 py-5 lg:flex">
        <Brand />
        <SideNav role={session.role} />
        <div className="mt-auto grid gap-3">
          <ThemeSwitch />
          <div className="flex items-center gap-2 rounded-control border border-line py-1.5 pr-1 pl-3">
            <span className="min-w-0 flex-1">
              <span className="block truncate text-[0.8125rem] font-medium">{who}</span>
              <span className="block truncate text-[0.75rem] text-soft">{session.workspace}</span>
            </span>
            <IconButton label="Log out" onClick={() => void login.end()}>
              <LogOut aria-hidden size={16} />
            </IconButton>
          </div>
          <p className="px-1 text-[0.75rem] text-soft">Herald {version}</p>
        </div>
      </aside>
      <div className="flex min-w-0 flex-col">
        <header className="sticky top-0 z-30 flex items-center justify-between border-b border-line bg-page/90 px-4 py-2 backdrop-blur lg:hidden">
          <Brand />
          <div className="flex items-center gap-1">
            <ThemeSwitch compact />
            <IconButton label="Log out" onClick={() => void login.end()}>
              <LogOut aria-hidden size={17} />
            </IconButton>
          </div>
        </header>
        <Offline />
        <main id="main" ref={main} tabIndex={-1} className="mx-auto w-full max-w-[90rem] flex-1 px-4 pt-6 pb-28 outline-none sm:px-6 lg:px-10 lg:pt-8 lg:pb-16">
          <Outlet />
        </main>
      </div>
      <BottomNav role={session.role} />
    </div>
  );
}

function Brand() {
  return (
    <Link to="/" className="flex items-center gap-2.5 rounded-control px-1 text-[1.0625rem] font-semibold tracking-tight" aria-label="Herald, start">
      <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden>
        <rect width="32" height="32" rx="8" className="fill-accent" />
        <path d="M10 6v20" className="stroke-on-accent" strokeWidth="2.5" strokeLinecap="round" />
        <path d="M10 7.5h14l-4.5 5 4.5 5H10z" className="fill-on-accent" />
      </svg>
      Herald
    </Link>
  );
}

const THEMES: [Theme, string, ComponentType<{ size?: number; "aria-hidden"?: boolean }>][] = [
  ["system", "As the system", Monitor],
  ["light", "Light", Sun],
  ["dark", "Dark", Moon],
];

function ThemeSwitch({ compact = false }: { compact?: boolean }) {
  const [theme, setTheme] = useState(storedTheme);
  const choose = (next: Theme) => {
    applyTheme(next);
    setTheme(next);
  };
  if (compact) {
    const at = THEMES.findIndex(([name]) => name === theme);
    const [, label, Icon] = THEMES[at] ?? THEMES[0]!;
    return (
      <IconButton label={`Colours: ${label}`} onClick={() => choose(THEMES[(at + 1) % THEMES.length]?.[0] ?? "system")}>
        <Icon aria-hidden size={17} />
      </IconButton>
    );
  }
  return (
    <div role="radiogroup" aria-label="Colours" className="grid grid-cols-3 rounded-control bg-sunken p-0.5">
      {THEMES.map(([name, label, Icon]) => (
        <label
          key={name}
          title={label}
          className={cx(
            "grid min-h-8 cursor-pointer place-items-center rounded-[7px] text-soft has-[:focus-visible]:outline-2 has-[:focus-visible]:outline-accent",
            theme === name && "bg-surface text-ink shadow-card",
          )}
        >
          <input type="radio" name="theme" className="sr-only" checked={theme === name} onChange={() => choose(name)} aria-label={label} />
          <Icon aria-hidden size={15} />
        </label>
      ))}
    </div>
  );
}

function Offline() {
  const [offline, setOffline] = useState(!navigator.onLine);
  useEffect(() => {
    const update = () => setOffline(!navigator.onLine);
    window.addEventListener("online", update);
    window.addEventListener("offline", update);
    return () => {
      window.removeEventListener("online", update);
      window.removeEventListener("offline", update);
    };
  }, []);
  return (
    <div role="status">
      {offline && (
        <p className="flex items-center justify-center gap-2 bg-warn-wash px-4 py-2 text-[0.875rem] font-medium text-warn">
          <WifiOff aria-hidden size={16} />
          You are offline. What you see may be old; what you write is kept.
        </p>
      )}
    </div>
  );
}
