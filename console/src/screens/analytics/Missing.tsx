import { CircleSlash, EyeOff, Hourglass } from "lucide-react";

import { type Reason, why } from "./words";

const ICONS = { pending: Hourglass, not_offered: CircleSlash, not_measured: EyeOff, no_posts: CircleSlash };

interface Props {
  reason: Reason;
  many?: boolean;
  /** The picture alone, where words would fill a table; what it means stands below. */
  bare?: boolean;
}

/** A figure that is not there: which of the reasons it is, in a word and a picture, so that none of them looks like a zero. */
export function Missing({ reason, many = false, bare = false }: Props) {
  const { short, long } = why(reason, many);
  const Icon = ICONS[reason];
  return (
    <span className="inline-flex items-center gap-1 text-[0.75rem] leading-4 whitespace-nowrap text-soft" title={long}>
      <Icon aria-hidden size={bare ? 14 : 12} className="shrink-0" />
      <span className={bare ? "sr-only" : undefined}>{short}</span>
    </span>
  );
}

/** What the pictures of a table mean: those that stand in it. */
export function MissingLegend({ reasons }: { reasons: Reason[] }) {
  const there = [...new Set(reasons)];
  if (there.length === 0) return null;
  return (
    <p aria-hidden className="flex flex-wrap gap-x-4 gap-y-1 px-5 py-2">
      {there.map((reason) => (
        <Missing key={reason} reason={reason} />
      ))}
    </p>
  );
}
