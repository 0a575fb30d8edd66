import { getRouteApi, Link } from "@tanstack/react-router";
import { ChevronRight, Plus, Search } from "lucide-react";
import { useDeferredValue, useState } from "react";

import { sentence } from "../../api/errors";
import { PageHead } from "../../app/Page";
import { useConsentReturn } from "../../app/useConsentReturn";
import { Button } from "../../ui/Button";
import { Empty } from "../../ui/Empty";
import { Notice } from "../../ui/Notice";
import { Ago, useNow } from "../../ui/time";
import { useTalents } from "./api";
import { Initials } from "./Initials";
import { TalentDialog } from "./TalentDialog";

const route = getRouteApi("/talents");

/** Everyone whom the agency looks after. */
export function Talents() {
  useConsentReturn(route.useSearch());
  const now = useNow(60_000);
  const talents = useTalents();
  const [typed, setTyped] = useState("");
  const [adding, setAdding] = useState(false);
  const wanted = useDeferredValue(typed.trim().toLowerCase());
  const all = talents.data;
  const shown = all?.filter(({ id, name }) => id.toLowerCase().includes(wanted) || name.toLowerCase().includes(wanted));
  const add = (
    <Button look="primary" icon={<Plus aria-hidden size={17} />} onClick={() => setAdding(true)}>
      Add a talent
    </Button>
  );
  return (
    <>
      <PageHead title="Talents" actions={all !== undefined && all.length > 0 ? add : undefined}>
        The people you publish for, and their accounts.
      </PageHead>
      {talents.isError && (
        <Notice tone="bad" action={<Button small onClick={() => void talents.refetch()}>Try again</Button>}>
          {sentence(talents.error)}
        </Notice>
      )}
      {all !== undefined && all.length > 7 && (
        <label className="relative mb-4 block max-w-sm">
          <span className="sr-only">Find a talent</span>
          <Search aria-hidden size={16} className="absolute top-3 left-3 text-soft" />
          <input type="search" className="control !pl-9" placeholder="Find a talent" value={typed} onChange={(event) => setTyped(event.target.value)} />
        </label>
      )}
      {talents.isPending && <Skeleton />}
      {all?.length === 0 && (
        <Empty title="No talents yet" action={add}>
          A talent is a person or a brand whose accounts you look after.
        </Empty>
      )}
      {shown !== undefined && shown.length > 0 && (
        <ul className="card divide-y divide-line overflow-hidden">
          {shown.map((talent) => (
            <li key={talent.id}>
              <Link
                to="/talents/$talentId"
                params={{ talentId: talent.id }}
                className="flex min-h-16 items-center gap-4 px-5 py-3 transition-colors hover:bg-sunken focus-visible:outline-offset-[-3px]"
              >
                <Initials name={talent.name} />
                <span className="min-w-0 flex-1">
                  <span className="block truncate font-medium">{talent.name}</span>
                  <span className="block truncate text-[0.8125rem] text-soft">{talent.id}</span>
                </span>
                <span className="hidden text-[0.8125rem] text-soft sm:block">
                  Added <Ago at={talent.createdAt} now={now} />
                </span>
                <ChevronRight aria-hidden size={18} className="text-soft" />
              </Link>
            </li>
          ))}
        </ul>
      )}
      {shown?.length === 0 && all !== undefined && all.length > 0 && <p className="py-8 text-center text-soft">Nobody is called “{typed.trim()}”.</p>}
      {talents.hasNextPage && (
        <div className="mt-4 text-center">
          <Button busy={talents.isFetchingNextPage} onClick={() => void talents.fetchNextPage()}>
            Show more
          </Button>
        </div>
      )}
      {adding && <TalentDialog known={all ?? []} onClose={() => setAdding(false)} />}
    </>
  );
}

function Skeleton() {
  return (
    <div role="status" aria-label="Loading talents" className="card divide-y divide-line">
      {[0, 1, 2, 3].map((n) => (
        <div key={n} className="flex min-h-16 items-center gap-4 px-5">
          <span className="skeleton size-10 !rounded-full" />
          <span className="skeleton h-4 w-48" />
        </div>
      ))}
    </div>
  );
}
