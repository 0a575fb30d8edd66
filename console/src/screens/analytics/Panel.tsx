import type { UseQueryResult } from "@tanstack/react-query";
import { type ReactNode, useId } from "react";

import { sentence } from "../../api/errors";
import { Button } from "../../ui/Button";
import { cx } from "../../ui/classes";
import { Notice } from "../../ui/Notice";

interface Props {
  title: string;
  /** What it says, in a sentence. */
  about?: ReactNode;
  action?: ReactNode;
  /** Its content reaches its edges, as a table's does. */
  flush?: boolean;
  children: ReactNode;
}

/** A part of the screen, with its heading. */
export function Panel({ title, about, action, flush = false, children }: Props) {
  const id = useId();
  return (
    <section aria-labelledby={id} className={cx("card min-w-0", flush ? "overflow-hidden" : "p-5")}>
      <div className={cx("flex flex-wrap items-start justify-between gap-x-4 gap-y-2", flush ? "px-5 py-4" : "mb-4")}>
        <div className="min-w-0">
          <h2 id={id} className="font-semibold">
            {title}
          </h2>
          {about !== undefined && <p className="mt-0.5 text-[0.8125rem] text-soft">{about}</p>}
        </div>
        {action}
      </div>
      {children}
    </section>
  );
}

type Query<T> = Pick<UseQueryResult<T>, "data" | "isError" | "error" | "refetch">;

/** What a query answers; until then its room, and what went wrong if something did. */
export function Loaded<T>({ query, room, children }: { query: Query<T>; room: string; children: (data: T) => ReactNode }) {
  if (query.data !== undefined) return children(query.data);
  if (query.isError) {
    return (
      <Notice tone="bad" action={<Button small onClick={() => void query.refetch()}>Try again</Button>}>
        {sentence(query.error)}
      </Notice>
    );
  }
  return <span role="status" aria-label="Loading" className={cx("skeleton block", room)} />;
}
