import { infiniteQueryOptions } from "@tanstack/react-query";

import { data } from "../../api/client";
import type { Herald } from "../../connections/api";

export interface Wanted {
  actor?: string;
  action?: string;
  from?: string;
  to?: string;
}

/** How many empty pages are read one after the other before a person is asked: each request looks at a bounded number of entries. */
export const MOST_EMPTY = 4;

export const auditQuery = ({ api }: Herald, wanted: Wanted) =>
  infiniteQueryOptions({
    queryKey: ["audit-log", wanted],
    queryFn: ({ pageParam, signal }) => data(api.GET("/api/admin/audit-log", { params: { query: { ...wanted, ...(pageParam === null ? {} : { cursor: pageParam }) } }, signal })),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor ?? null,
    select: (answer) => ({ entries: answer.pages.flatMap((page) => page.entries), pages: answer.pages.length }),
  });
