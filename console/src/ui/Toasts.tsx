import { CircleAlert, CircleCheck, Info, X } from "lucide-react";
import { createContext, type ReactNode, useCallback, useContext, useMemo, useRef, useState } from "react";

import { IconButton } from "./Button";

export interface Toast {
  tone: "good" | "bad" | "info";
  text: string;
  /** Something that can still be done about it. */
  action?: { label: string; run: () => void };
}

interface Shown extends Toast {
  key: number;
}

type Show = (toast: Toast) => void;

const Context = createContext<Show>(() => undefined);

/** How long a message stays, in milliseconds. With an action, or when something failed, there is more to read. */
const STAY = { short: 6_000, long: 14_000 };

export const useToast = (): Show => useContext(Context);

const ICONS = { good: CircleCheck, bad: CircleAlert, info: Info };
const TONES = { good: "text-good", bad: "text-bad", info: "text-info" };

/** Messages about what was just done, read out where they appear. */
export function Toasts({ children }: { children: ReactNode }) {
  const [shown, setShown] = useState<Shown[]>([]);
  const next = useRef(0);
  const close = useCallback((key: number) => setShown((all) => all.filter((toast) => toast.key !== key)), []);
  const show = useCallback<Show>(
    (toast) => {
      const key = next.current++;
      setShown((all) => [...all.slice(-3), { ...toast, key }]);
      const long = toast.tone === "bad" || toast.action !== undefined;
      window.setTimeout(() => close(key), long ? STAY.long : STAY.short);
    },
    [close],
  );
  const value = useMemo(() => show, [show]);
  return (
    <Context value={value}>
      {children}
      <div
        role="status"
        aria-live="polite"
        aria-label="Messages"
        className="pointer-events-none fixed inset-x-4 bottom-20 z-50 grid justify-items-center gap-2 lg:bottom-6"
      >
        {shown.map((toast) => {
          const Icon = ICONS[toast.tone];
          return (
            <div
              key={toast.key}
              className="pointer-events-auto flex w-full max-w-md items-center gap-3 rounded-xl border border-line bg-surface py-2 pr-2 pl-4 shadow-float motion-safe:animate-[rise_140ms_ease-out]"
            >
              <Icon aria-hidden size={18} className={`shrink-0 ${TONES[toast.tone]}`} />
              <p className="min-w-0 flex-1 py-1 text-[0.875rem] break-words">{toast.text}</p>
              {toast.action !== undefined && (
                <button
                  type="button"
                  className="min-h-9 rounded-control px-3 text-[0.875rem] font-semibold text-accent hover:bg-accent-wash"
                  onClick={() => {
                    toast.action?.run();
                    close(toast.key);
                  }}
                >
                  {toast.action.label}
                </button>
              )}
              <IconButton label="Dismiss" onClick={() => close(toast.key)}>
                <X aria-hidden size={16} />
              </IconButton>
            </div>
          );
        })}
      </div>
    </Context>
  );
}
