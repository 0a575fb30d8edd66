import { X } from "lucide-react";
import { type FormEvent, useState } from "react";

import { Button } from "../../ui/Button";
import { DayPick } from "../../ui/DayPick";
import { Pick } from "../../ui/Pick";
import { ACTION_CHOICES } from "./actions";

export interface Search {
  actor?: string;
  action?: string;
  from?: string;
  to?: string;
}

interface Props {
  search: Search;
  onGo: (part: { [name in keyof Search]?: string | undefined }) => void;
  onClear: (() => void) | null;
}

/** By whom, what, and when. */
export function Filters({ search, onGo, onClear }: Props) {
  // What is being typed; it is asked for once it is whole.
  const [typed, setTyped] = useState<string | null>(null);
  const take = () => {
    const name = typed?.trim();
    setTyped(null);
    if (name !== undefined && name !== (search.actor ?? "")) onGo({ actor: name === "" ? undefined : name });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    take();
  };
  return (
    <form onSubmit={submit} role="search" aria-label="Entries" className="mb-4 flex flex-wrap items-center gap-2">
      <input
        type="search"
        aria-label="Actor"
        placeholder="Actor or key id"
        className="control !min-h-9 !w-56 !py-1 text-[0.8125rem]"
        value={typed ?? search.actor ?? ""}
        onChange={(event) => setTyped(event.target.value)}
        onBlur={take}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
      />
      <Pick label="Action" value={search.action} all="All actions" choices={ACTION_CHOICES} onPick={(action) => onGo({ action })} />
      <DayPick label="From" value={search.from} onPick={(from) => onGo({ from })} />
      <DayPick label="to" value={search.to} onPick={(to) => onGo({ to })} />
      {onClear !== null && (
        <Button small look="quiet" icon={<X aria-hidden size={14} />} onClick={onClear}>
          Clear
        </Button>
      )}
    </form>
  );
}
