import type { Connection, Talent } from "../../api/types";
import { nameOf } from "../../platforms/marks";
import { Pick } from "../../ui/Pick";
import { intervalsOf, RANGES } from "./range";

export interface Search {
  talent?: string;
  platform?: string;
  account?: string;
  range?: string;
  interval?: string;
  metric?: string;
  by?: string;
}

interface Props {
  /** Everyone to choose from; none for a talent, who sees its own. */
  talents: Talent[] | null;
  talentId: string;
  connections: Connection[];
  search: Search;
  days: number;
  interval: string;
  onGo: (part: { [name in keyof Search]: string | undefined }) => void;
}

/** Whose figures, of which accounts, over which time, in which steps. */
export function Filters({ talents, talentId, connections, search, days, interval, onGo }: Props) {
  const platforms = [...new Set(connections.map(({ platform }) => platform))];
  const accounts = [
    ...(platforms.length > 1 ? [{ group: "Platforms", choices: platforms.map((platform): [string, string] => [`platform ${platform}`, nameOf(platform)]) }] : []),
    { group: "Accounts", choices: connections.map(({ id, platform, handle }): [string, string] => [`account ${id}`, `${nameOf(platform)} ${handle}`]) },
  ];
  const value = search.account !== undefined ? `account ${search.account}` : search.platform !== undefined ? `platform ${search.platform}` : undefined;
  const choose = (choice: string | undefined) => {
    const [kind, name] = choice?.split(" ") ?? [];
    onGo({ platform: kind === "platform" ? name : undefined, account: kind === "account" ? name : undefined });
  };
  return (
    <div className="mb-6 flex flex-wrap gap-2">
      {talents !== null && <Pick label="Talent" value={talentId} choices={talents.map(({ id, name }): [string, string] => [id, name])} onPick={(talent) => onGo({ talent, platform: undefined, account: undefined })} />}
      <Pick label="Accounts" value={value} all="All accounts" choices={accounts} onPick={choose} />
      <Pick label="Range" value={String(days)} choices={RANGES} onPick={(range) => onGo({ range })} />
      <Pick label="Interval" value={interval} choices={intervalsOf(days)} onPick={(interval) => onGo({ interval })} />
    </div>
  );
}
