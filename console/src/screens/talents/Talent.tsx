import { getRouteApi, Link } from "@tanstack/react-router";
import { ChartLine, ChevronLeft, Pencil } from "lucide-react";
import { useState } from "react";

import { ApiError } from "../../api/errors";
import type { Connection } from "../../api/types";
import { BASE } from "../../app/config";
import { NotFound } from "../../app/Problem";
import { PageHead } from "../../app/Page";
import { useConsentReturn } from "../../app/useConsentReturn";
import { useConnections } from "../../connections/api";
import { SocialProfiles } from "../../connections/SocialProfiles";
import { nameOf } from "../../platforms/marks";
import { buttonClass, IconButton } from "../../ui/Button";
import { compact, exact } from "../../ui/number";
import { useTalents } from "./api";
import { TalentDialog } from "./TalentDialog";

const route = getRouteApi("/talents/$talentId");

/** One talent: the sums of all accounts, and each of them. */
export function Talent() {
  const { talentId } = route.useParams();
  useConsentReturn(route.useSearch());
  const talents = useTalents();
  const connections = useConnections(talentId);
  const [renaming, setRenaming] = useState(false);
  const talent = talents.data?.find((known) => known.id === talentId);
  if (connections.error instanceof ApiError && connections.error.status === 404) return <NotFound />;
  return (
    <>
      <Link to="/talents" className="mb-3 -ml-1 inline-flex items-center gap-1 rounded text-[0.8125rem] text-soft hover:text-ink">
        <ChevronLeft aria-hidden size={15} /> Talents
      </Link>
      <PageHead
        title={talent?.name ?? talentId}
        actions={
          talent !== undefined && (
            <>
              <Link to="/analytics" search={{ talent: talentId }} className={buttonClass("plain", "small")}>
                <ChartLine aria-hidden size={15} /> Analytics
              </Link>
              <IconButton label="Rename" look="plain" onClick={() => setRenaming(true)}>
                <Pencil aria-hidden size={15} />
              </IconButton>
            </>
          )
        }
      >
        <span className="font-mono text-[0.8125rem]">{talentId}</span>
      </PageHead>
      <Sums connections={connections.data ?? []} />
      <SocialProfiles talentId={talentId} returnTo={`${BASE}/talents/${talentId}`} />
      {renaming && talent !== undefined && <TalentDialog known={talents.data ?? []} talent={talent} onClose={() => setRenaming(false)} />}
    </>
  );
}

/** The sums over all accounts that have a figure, and which have none; nothing before there is an account. */
function Sums({ connections }: { connections: Connection[] }) {
  const linked = connections.filter((connection) => connection.profile != null);
  if (linked.length === 0) return null;
  const rows = [
    ["Followers", "followerCount"],
    ["Following", "followingCount"],
    ["Posts", "postCount"],
  ] as const;
  return (
    <dl className="mb-8 grid max-w-2xl grid-cols-3 gap-6 border-y border-line py-4">
      {rows.map(([label, name]) => {
        const known = linked.filter((connection) => connection.profile?.[name] != null);
        const missing = [...new Set(linked.filter((connection) => connection.profile?.[name] == null).map(({ platform }) => nameOf(platform)))];
        const sum = known.reduce((total, connection) => total + (connection.profile?.[name] ?? 0), 0);
        return (
          <div key={name} className="min-w-0">
            <dt className="text-[0.8125rem] text-soft">{label}</dt>
            <dd>
              {known.length > 0 ? (
                <span className="mt-0.5 block text-2xl font-semibold tracking-tight tabular-nums" title={exact(sum)}>
                  {compact(sum)}
                </span>
              ) : (
                <span className="mt-1 block text-soft">Not offered</span>
              )}
              {missing.length > 0 && known.length > 0 && <span className="block text-[0.75rem] text-soft">without {missing.join(", ")}</span>}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}
