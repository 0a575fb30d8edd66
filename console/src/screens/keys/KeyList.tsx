import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

import type { ApiKey, Talent } from "../../api/types";
import { Badge } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { Ago } from "../../ui/time";
import { endsSoon } from "./ends";

interface Props {
  keys: ApiKey[];
  talents: Talent[];
  now: number;
  onRevoke: (key: ApiKey) => void;
}

/** Keys that live, each with what it may do, when it was used and when it ends. */
export function KeyList({ keys, talents, now, onRevoke }: Props) {
  const nameOf = (talentId: string) => talents.find(({ id }) => id === talentId)?.name ?? talentId;
  return (
    <ul className="card divide-y divide-line">
      {keys.map((key) => (
        <li key={key.id} data-key={key.name} className="flex flex-wrap items-center gap-x-6 gap-y-3 px-5 py-4">
          <div className="min-w-0 flex-1 basis-64">
            <h2 className="font-medium break-words">{key.name}</h2>
            <p className="mt-0.5 flex flex-wrap items-center gap-x-3 gap-y-1 text-[0.8125rem] text-soft">
              {key.role === "admin" ? <Badge tone="warn">Everything, as staff</Badge> : <Badge>As {nameOf(key.talentId ?? "")}</Badge>}
              <Link to="/audit-log" search={{ actor: key.id }} title="What it did" className="rounded font-mono text-[0.75rem] underline decoration-line underline-offset-2 hover:decoration-current">
                {key.id}
              </Link>
            </p>
          </div>
          <dl className="grid flex-1 basis-80 grid-cols-3 gap-4 text-[0.875rem]">
            <Fact name="Last used">{key.lastUsedAt == null ? <span className="text-soft">Never</span> : <Ago at={key.lastUsedAt} now={now} />}</Fact>
            <Fact name="Ends">
              {key.expiresAt == null ? (
                <span className="text-soft">Never</span>
              ) : (
                <span className={endsSoon(key.expiresAt, now) ? "font-medium text-warn" : undefined}>
                  <Ago at={key.expiresAt} now={now} />
                </span>
              )}
            </Fact>
            <Fact name={`Made by ${key.createdBy}`}>
              <Ago at={key.createdAt} now={now} />
            </Fact>
          </dl>
          <Button small look="danger" aria-label={`Revoke ${key.name}`} onClick={() => onRevoke(key)}>
            Revoke
          </Button>
        </li>
      ))}
    </ul>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="truncate text-[0.75rem] text-soft" title={name}>
        {name}
      </dt>
      <dd>{children}</dd>
    </div>
  );
}
