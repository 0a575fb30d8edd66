import { CircleAlert, CircleCheck, LoaderCircle, TriangleAlert } from "lucide-react";

import type { Problem, Validation } from "../../api/types";
import { nameOf } from "../../platforms/marks";
import { PlatformIcon } from "../../platforms/PlatformIcon";

interface Props {
  validation: Validation | undefined;
  fresh: boolean;
  nothingChosen: boolean;
  /** Why the API could not be asked. */
  failure: string | null;
}

/** Everything that is wrong, per platform, before it is scheduled. */
export function Findings({ validation, fresh, nothingChosen, failure }: Props) {
  const groups = new Map<string | null, Problem[]>();
  for (const problem of [...(validation?.problems ?? []), ...(validation?.warnings ?? [])]) {
    const platform = problem.platform ?? null;
    const group = groups.get(platform) ?? [];
    // A platform's two accounts say the same thing once.
    if (!group.some((known) => known.message === problem.message)) groups.set(platform, [...group, problem]);
  }
  const count = validation?.problems.filter((problem) => problem.severity === "error").length ?? 0;
  return (
    <section aria-labelledby="findings" className="card p-5">
      <h2 id="findings" className="flex items-center gap-2 font-semibold">
        Before it goes out
        {!fresh && !nothingChosen && failure === null && <LoaderCircle aria-label="Checking" role="img" size={15} className="animate-spin text-soft" />}
      </h2>
      <div role="status" className="mt-3 grid gap-4 text-[0.875rem]">
        {failure !== null && <p className="text-bad">{failure}</p>}
        {nothingChosen && <p className="text-soft">Choose an account, and every platform's rules are checked as you write.</p>}
        {!nothingChosen && failure === null && validation !== undefined && groups.size === 0 && (
          <p className="flex items-center gap-2 text-good">
            <CircleCheck aria-hidden size={17} /> Every platform will take it.
          </p>
        )}
        {!nothingChosen &&
          [...groups].map(([platform, problems]) => (
            <div key={platform} className="grid gap-1.5" data-findings={platform ?? "ALL"}>
              <h3 className="flex items-center gap-2 text-[0.8125rem] font-medium text-soft">
                {platform !== null && <PlatformIcon platform={platform} size="sm" decorative />}
                {platform === null ? "In general" : nameOf(platform)}
              </h3>
              <ul className="grid gap-1.5">
                {problems.map((problem) => (
                  <li key={`${problem.code}${problem.message}`} className="flex gap-2">
                    {problem.severity === "error" ? (
                      <CircleAlert size={16} className="mt-0.5 shrink-0 text-bad" role="img" aria-label="Must be mended" />
                    ) : (
                      <TriangleAlert size={16} className="mt-0.5 shrink-0 text-warn" role="img" aria-label="Warning" />
                    )}
                    <span className="min-w-0 break-words">{readable(problem.message)}</span>
                  </li>
                ))}
              </ul>
            </div>
          ))}
      </div>
      {count > 0 && <p className="sr-only">{count} to mend.</p>}
    </section>
  );
}

/** An instant within a sentence of the API, in the person's own time. */
export function readable(message: string): string {
  return message.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, (instant) =>
    new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }).format(new Date(instant)),
  );
}
