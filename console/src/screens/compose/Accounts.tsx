import { Check } from "lucide-react";

import type { Capability, Connection } from "../../api/types";
import { nameOf } from "../../platforms/marks";
import { PlatformIcon } from "../../platforms/PlatformIcon";
import { cx } from "../../ui/classes";

/** Why an account cannot be published to; `null`: it can. */
export function blocked(connection: Connection, capability: Capability | undefined): string | null {
  if (!connection.connected) return "Disconnected. Reconnect it first.";
  if (connection.connectionType === "MANUAL") return "Linked by handle only. Connect it by OAuth to publish.";
  if (capability !== undefined && capability.publish == null) return `Publishing to ${capability.name} is not offered.`;
  return null;
}

interface Props {
  connections: Connection[];
  capabilities: Capability[];
  chosen: string[];
  onChange: (chosen: string[]) => void;
}

/** The accounts that a post goes to. */
export function AccountChips({ connections, capabilities, chosen, onChange }: Props) {
  return (
    <ul className="flex flex-wrap gap-2" aria-label="Accounts">
      {connections.map((connection) => {
        const why = blocked(connection, capabilities.find((known) => known.platform === connection.platform));
        const on = chosen.includes(connection.id);
        const name = connection.profile?.displayName ?? connection.handle;
        return (
          <li key={connection.id}>
            <button
              type="button"
              role="checkbox"
              aria-checked={on}
              // Still to be reached, so that everyone learns why.
              aria-disabled={why !== null}
              title={why ?? `${nameOf(connection.platform)} ${connection.handle}`}
              aria-label={`${nameOf(connection.platform)} ${connection.handle}${why === null ? "" : `. ${why}`}`}
              onClick={() => {
                if (why === null) onChange(on ? chosen.filter((id) => id !== connection.id) : [...chosen, connection.id]);
              }}
              className={cx(
                "flex min-h-11 max-w-64 items-center gap-2 rounded-full border py-1 pr-4 pl-3 text-[0.875rem] transition-colors",
                on ? "border-accent bg-accent-wash font-medium text-ink" : "border-line bg-surface hover:bg-sunken",
                why !== null && "!cursor-not-allowed border-dashed !bg-transparent text-soft",
              )}
            >
              <PlatformIcon platform={connection.platform} size="sm" decorative />
              <span className="truncate">{name}</span>
              {on && <Check aria-hidden size={15} className="shrink-0 text-accent" />}
            </button>
          </li>
        );
      })}
    </ul>
  );
}
