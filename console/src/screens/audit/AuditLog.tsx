import { useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { ScrollText } from "lucide-react";
import { useEffect } from "react";

import { sentence } from "../../api/errors";
import { PageHead } from "../../app/Page";
import { useHerald } from "../../connections/api";
import { Button } from "../../ui/Button";
import { Empty } from "../../ui/Empty";
import { Notice } from "../../ui/Notice";
import { edgeOfDay, userZone, zoneName } from "../../ui/time";
import { auditQuery, MOST_EMPTY, type Wanted } from "./api";
import { Entries } from "./Entries";
import { Filters, type Search } from "./Filters";

const route = getRouteApi("/audit-log");

/** Who changed what, the latest first. */
export function AuditLog() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: "/audit-log" });
  const herald = useHerald();
  const [from, to] = [edgeOfDay(search.from, false), edgeOfDay(search.to, true)];
  const wanted: Wanted = {
    ...(search.actor === undefined ? {} : { actor: search.actor }),
    ...(search.action === undefined ? {} : { action: search.action }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
  const log = useInfiniteQuery(auditQuery(herald, wanted));
  const { hasNextPage, isFetching, fetchNextPage } = log;
  const entries = log.data?.entries ?? [];
  const pages = log.data?.pages ?? 0;
  const looksOn = hasNextPage && entries.length === 0 && pages > 0 && pages < MOST_EMPTY;
  useEffect(() => {
    if (looksOn && !isFetching) void fetchNextPage();
  }, [looksOn, isFetching, fetchNextPage]);
  const go = (part: { [name in keyof Search]?: string | undefined }) =>
    void navigate({ search: (old) => Object.fromEntries(Object.entries({ ...old, ...part }).filter(([, value]) => value !== undefined)), replace: true });
  const isFiltered = Object.keys(search).length > 0;
  return (
    <>
      <PageHead title="Audit log">Who changed what, the latest first. Times in {zoneName(userZone())}</PageHead>
      <Filters search={search} onGo={go} onClear={isFiltered ? () => void navigate({ search: {}, replace: true }) : null} />
      {log.isError && (
        <div className="mb-4">
          <Notice tone="bad" action={<Button small onClick={() => void log.refetch()}>Try again</Button>}>
            {sentence(log.error)}
          </Notice>
        </div>
      )}
      {log.isPending || looksOn ? (
        <span role="status" aria-label="Loading entries" className="skeleton block h-96 !rounded-card" />
      ) : entries.length > 0 ? (
        <Entries entries={entries} onActor={(actor) => go({ actor })} />
      ) : (
        !log.isError && (
          <Empty art={<ScrollText aria-hidden size={32} strokeWidth={1.5} />} title={isFiltered ? "No entry fits the filter" : "Nothing was changed yet"}>
            {hasNextPage ? "There are older entries that were not looked at yet." : isFiltered ? "Choose less." : "Every change by a person or a key stands here."}
          </Empty>
        )
      )}
      {hasNextPage && !looksOn && (
        <div className="mt-4 text-center">
          <Button busy={isFetching} onClick={() => void fetchNextPage()}>
            {isFiltered ? "Look further back" : "Show older ones"}
          </Button>
        </div>
      )}
    </>
  );
}
