import { Link } from "@tanstack/react-router";

import type { AuditEntry } from "../../api/types";
import { Badge } from "../../ui/Badge";
import { dateTime } from "../../ui/time";
import { actionWord } from "./actions";

const ID = "font-mono text-[0.75rem] break-all";
const LINK = `${ID} rounded text-left underline decoration-line underline-offset-2 hover:decoration-current`;

/** Entries, each with who, what, to which thing and about whom. */
export function Entries({ entries, onActor }: { entries: AuditEntry[]; onActor: (actor: string) => void }) {
  return (
    <ol className="card divide-y divide-line text-[0.875rem]">
      {entries.map((entry) => (
        <li key={`${entry.requestId} ${entry.action} ${entry.subject}`} data-action={entry.action} className="grid gap-x-6 gap-y-1.5 px-5 py-3 lg:grid-cols-[9rem_minmax(0,1.2fr)_minmax(0,1fr)_minmax(0,1.6fr)]">
          <time dateTime={entry.at} title={`Request ${entry.requestId}`} className="text-[0.8125rem] text-soft tabular-nums lg:pt-0.5">
            {dateTime(entry.at)}
          </time>
          <div className="min-w-0">
            <p className="flex flex-wrap items-center gap-x-2 font-medium">
              {actionWord(entry.action)}
              {entry.reason != null && <Badge tone="warn">{entry.reason}</Badge>}
            </p>
            <p className="text-[0.75rem] text-soft">{entry.action}</p>
          </div>
          <p className="min-w-0">
            <span className="text-[0.75rem] text-soft">by </span>
            <button type="button" title="Only what this one did" className={LINK} onClick={() => onActor(entry.actor)}>
              {entry.actor}
            </button>
          </p>
          <div className="min-w-0">
            <p>
              <span className="text-[0.75rem] text-soft">to </span>
              <Subject entry={entry} />
            </p>
            {entry.talentId != null && entry.talentId !== entry.subject && (
              <p>
                <span className="text-[0.75rem] text-soft">of </span>
                <Talent id={entry.talentId} />
              </p>
            )}
          </div>
        </li>
      ))}
    </ol>
  );
}

const Talent = ({ id }: { id: string }) => (
  <Link to="/talents/$talentId" params={{ talentId: id }} className={LINK}>
    {id}
  </Link>
);

function Subject({ entry: { action, subject, talentId } }: { entry: AuditEntry }) {
  if (subject === talentId) return <Talent id={subject} />;
  // A post that was deleted leads nowhere.
  if (action.startsWith("post.") && action !== "post.remove" && action !== "post.bulk") {
    return (
      <Link to="/posts/$postId" params={{ postId: subject }} className={LINK}>
        {subject}
      </Link>
    );
  }
  return <span className={ID}>{subject}</span>;
}
