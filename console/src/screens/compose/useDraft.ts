import { useCallback, useState } from "react";

import type { Draft } from "./draft";

const PREFIX = "herald.draft.";

function read(key: string): Draft | null {
  try {
    const text = window.localStorage.getItem(PREFIX + key);
    return text === null ? null : (JSON.parse(text) as Draft);
  } catch {
    return null;
  }
}

/** A draft that survives a reload, a crash and the end of a session. `begin` makes the first one. */
export function useDraft(key: string, begin: () => Draft) {
  const [state, setState] = useState(() => {
    const kept = read(key);
    return { draft: kept === null ? begin() : { ...begin(), ...kept }, restored: kept !== null };
  });
  const change = useCallback(
    (part: Partial<Draft>) =>
      setState(({ draft, restored }) => {
        const next = { ...draft, ...part };
        // At once and not in an effect: what is on the screen is already kept.
        window.localStorage.setItem(PREFIX + key, JSON.stringify(next));
        return { draft: next, restored };
      }),
    [key],
  );
  const forget = useCallback(() => window.localStorage.removeItem(PREFIX + key), [key]);
  const restart = useCallback(
    (draft: Draft) => {
      forget();
      setState({ draft, restored: false });
    },
    [forget],
  );
  return { ...state, change, forget, restart };
}
