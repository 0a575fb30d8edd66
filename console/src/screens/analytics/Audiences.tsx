import type { Audience } from "../../api/types";
import { nameOf } from "../../platforms/marks";
import { PlatformIcon } from "../../platforms/PlatformIcon";
import { Ago, useNow } from "../../ui/time";
import { Missing } from "./Missing";
import { reasonOf } from "./words";

type Part = "topCountries" | "topCities" | "ageRange" | "gender" | "activeHours";
const PARTS: Part[] = ["topCountries", "topCities", "ageRange", "gender", "activeHours"];

const REGIONS = new Intl.DisplayNames("en", { type: "region", fallback: "code" });
/** A country by its name; a code that is none stays as it is. */
const country = (code: string): string => (/^[A-Z]{2}$/.test(code) ? (REGIONS.of(code) ?? code) : code);
const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

const isToldBy = (account: Audience) => PARTS.some((part) => account[part] != null);

/** Who follows, per account. */
export function Audiences({ accounts }: { accounts: Audience[] }) {
  const now = useNow(60_000);
  const told = accounts.filter(isToldBy);
  const silent = accounts.filter((account) => !isToldBy(account));
  return (
    <div className="grid gap-6">
      {told.map((account) => (
        <section key={account.connectionId} aria-label={`${nameOf(account.platform)} ${account.handle}`}>
          <h3 className="flex flex-wrap items-center gap-2 text-[0.875rem] font-medium">
            <PlatformIcon platform={account.platform} size="sm" decorative />
            {nameOf(account.platform)} {account.handle}
            {account.fetchedAt != null && (
              <span className="text-[0.75rem] font-normal text-soft">
                As of <Ago at={account.fetchedAt} now={now} />
              </span>
            )}
          </h3>
          <div className="mt-3 grid gap-x-8 gap-y-5 sm:grid-cols-2">
            <Shares title="Countries" rows={account.topCountries?.slice(0, 5).map(({ name, percent }) => [country(name), percent])} reason={account.unavailable["topCountries"]} />
            <Shares title="Cities" rows={account.topCities?.slice(0, 5).map(({ name, percent }) => [name, percent])} reason={account.unavailable["topCities"]} />
            <Shares title="Age" rows={account.ageRange == null ? undefined : Object.entries(account.ageRange)} reason={account.unavailable["ageRange"]} />
            <Shares title="Gender" rows={account.gender == null ? undefined : Object.entries(account.gender).map(([name, percent]) => [capital(name), percent])} reason={account.unavailable["gender"]} />
            <Hours hours={account.activeHours ?? null} reason={account.unavailable["activeHours"]} />
          </div>
        </section>
      ))}
      {silent.length > 0 && (
        <ul className="grid gap-2 text-[0.875rem]">
          {silent.map((account) => (
            <li key={account.connectionId} className="flex flex-wrap items-center gap-x-2 gap-y-1">
              <PlatformIcon platform={account.platform} size="sm" decorative />
              <span className="min-w-0 truncate">
                {nameOf(account.platform)} {account.handle}
              </span>
              <Missing reason={reasonOf(PARTS.map((part) => account.unavailable[part]).includes("pending") ? "pending" : "not_offered")} />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Shares({ title, rows, reason }: { title: string; rows: [string, number][] | undefined; reason: string | undefined }) {
  return (
    <div className="min-w-0">
      <h4 className="text-[0.75rem] text-soft">{title}</h4>
      {rows === undefined ? (
        <p className="mt-1">
          <Missing reason={reasonOf(reason)} />
        </p>
      ) : (
        <dl className="mt-2 grid gap-1.5 text-[0.8125rem]">
          {rows.map(([name, percent]) => (
            <div key={name} className="relative grid grid-cols-[1fr_auto] gap-x-3 pb-2">
              <dt className="truncate" title={name}>
                {name}
              </dt>
              <dd className="tabular-nums">
                {percent}%
                <span aria-hidden className="absolute inset-x-0 bottom-0 h-1.5 overflow-hidden rounded-full bg-sunken">
                  <span className="block h-full rounded-full bg-accent" style={{ width: `${Math.min(100, percent)}%` }} />
                </span>
              </dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  );
}

/** Followers online, hour by hour. */
function Hours({ hours, reason }: { hours: Record<string, number> | null; reason: string | undefined }) {
  const rows = Object.entries(hours ?? {}).sort(([a], [b]) => Number(a) - Number(b));
  const most = Math.max(...rows.map(([, n]) => n), 1);
  const best = rows.reduce<[string, number] | null>((best, row) => (best === null || row[1] > best[1] ? row : best), null);
  return (
    <div className="min-w-0 sm:col-span-2">
      <h4 className="text-[0.75rem] text-soft">Hours online, UTC</h4>
      {hours === null ? (
        <p className="mt-1">
          <Missing reason={reasonOf(reason)} />
        </p>
      ) : (
        <>
          <div aria-hidden className="mt-2 flex h-16 items-end gap-0.5">
            {rows.map(([hour, n]) => (
              <span key={hour} title={`${hour}:00, ${n}`} className="flex-1 rounded-t-[2px] bg-accent" style={{ height: `${Math.max(3, (n / most) * 100)}%` }} />
            ))}
          </div>
          {best !== null && <p className="mt-1 text-[0.75rem] text-soft">Most at {best[0].padStart(2, "0")}:00</p>}
        </>
      )}
    </div>
  );
}
