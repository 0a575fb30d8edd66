import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { ChartLine } from "lucide-react";

import { PageHead } from "../../app/Page";
import { useConnections } from "../../connections/api";
import { buttonClass } from "../../ui/Button";
import { Empty } from "../../ui/Empty";
import { useTalents } from "../talents/api";
import type { Subject } from "./api";
import { Filters } from "./Filters";
import { intervalsOf, RANGES } from "./range";
import { Report } from "./Report";
import { METRICS } from "./words";

const route = getRouteApi("/analytics");

/** How the accounts of a talent do. */
export function Analytics() {
  const search = route.useSearch();
  const { session } = route.useRouteContext();
  const navigate = useNavigate({ from: "/analytics" });
  const isStaff = session.role === "admin";
  const talents = useTalents(isStaff);
  const talentId = session.talentId ?? search.talent ?? talents.data?.[0]?.id ?? "";
  const connections = useConnections(talentId);
  const days = RANGES.some(([value]) => value === search.range) ? Number(search.range) : 30;
  const interval = intervalsOf(days).find(([value]) => value === search.interval)?.[0] ?? "day";
  const metric = METRICS.find((name) => name === search.metric) ?? "followers";
  const go = (part: { [name in keyof typeof search]?: string | undefined }) =>
    void navigate({ search: (old) => Object.fromEntries(Object.entries({ ...old, ...part }).filter(([, value]) => value !== undefined)), replace: true });
  const subject: Subject = {
    talentId,
    ...(search.platform === undefined ? {} : { platform: search.platform }),
    ...(search.account === undefined ? {} : { connectionId: search.account }),
  };
  const isEmpty = talentId === "" ? talents.data !== undefined : connections.data?.length === 0;
  return (
    <>
      {isEmpty && <PageHead title="Analytics">What the platforms report, as far as they report it.</PageHead>}
      {isEmpty && isStaff && talentId !== "" && <Filters {...{ talents: talents.data ?? [], talentId, connections: [], search, days, interval }} onGo={go} />}
      {isEmpty ? (
        <Empty
          art={<ChartLine aria-hidden size={32} strokeWidth={1.5} />}
          title={talentId === "" ? "Nobody to look at yet" : "No accounts yet"}
          action={
            talentId === "" || !isStaff ? (
              <Link to={isStaff ? "/talents" : "/accounts"} className={buttonClass("primary")}>
                {isStaff ? "Add a talent" : "Connect an account"}
              </Link>
            ) : (
              <Link to="/talents/$talentId" params={{ talentId }} className={buttonClass("primary")}>
                Connect an account
              </Link>
            )
          }
        >
          Figures stand here from the first day on which an account is connected.
        </Empty>
      ) : (
        <Report
          key={talentId}
          subject={subject}
          connections={connections.data}
          days={days}
          interval={interval}
          metric={metric}
          each={search.by === "account"}
          filters={<Filters talents={isStaff ? (talents.data ?? []) : null} {...{ talentId, connections: connections.data ?? [], search, days, interval }} onGo={go} />}
          onMetric={(metric) => go({ metric })}
          onEach={(each) => go({ by: each ? "account" : undefined })}
        />
      )}
    </>
  );
}
