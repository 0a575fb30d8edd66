import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useEffect, useRef, useState } from "react";

import { data } from "../api/client";
import { sentence } from "../api/errors";
import type { Connection } from "../api/types";
import { nameOf } from "../platforms/marks";
import { PlatformIcon } from "../platforms/PlatformIcon";
import { Button } from "../ui/Button";
import { Empty } from "../ui/Empty";
import { Notice } from "../ui/Notice";
import { useNow } from "../ui/time";
import { useToast } from "../ui/Toasts";
import { connectionsQuery, useCapabilities, useConnections, useHerald } from "./api";
import { ConfirmDialog } from "./ConfirmDialog";
import { ConnectDialog } from "./ConnectDialog";
import { ConnectionCard } from "./ConnectionCard";
import type { Action } from "./state";

interface Props {
  talentId: string;
  /** Where a consent leads back to. */
  returnTo: string;
  /** Called whenever the list changed. */
  onChange?: ((connections: Connection[]) => void) | undefined;
  /** The heading of the list. */
  title?: string;
}

const STAFF: ReadonlySet<Action> = new Set(["view", "refresh", "retry", "reconnect", "resume", "pause", "disconnect", "remove"]);
/** Pausing and deleting are for staff; a talent disconnects. */
const TALENT: ReadonlySet<Action> = new Set(["view", "refresh", "retry", "reconnect", "disconnect"]);

const DONE: Partial<Record<Action, string>> = {
  refresh: "Sync triggered. Refreshing data...",
  retry: "Sync triggered. Refreshing data...",
  pause: "Paused. Its posts wait until you resume.",
  resume: "Resumed.",
  disconnect: "Disconnected. The history stays.",
  remove: "Social connection removed",
};

/** The accounts of one talent. */
export function SocialProfiles({ talentId, returnTo, onChange, title = "Social Profiles" }: Props) {
  const herald = useHerald();
  const toast = useToast();
  const now = useNow();
  const client = useQueryClient();
  const connections = useConnections(talentId);
  const capabilities = useCapabilities();
  const [dialog, setDialog] = useState<{ again?: { platform: string; handle: string } } | null>(null);
  const [asked, setAsked] = useState<{ action: "disconnect" | "remove"; connection: Connection } | null>(null);
  const [busy, setBusy] = useState<ReadonlyMap<string, Action>>(new Map());

  const tell = useRef(onChange);
  tell.current = onChange;
  useEffect(() => {
    if (connections.data !== undefined) tell.current?.(connections.data);
  }, [connections.data]);

  const reload = () => client.invalidateQueries({ queryKey: connectionsQuery(herald, talentId).queryKey });
  const act = useMutation({
    mutationFn: ({ action, connection }: { action: Action; connection: Connection }) => perform(herald, action, connection.id),
    onMutate: ({ action, connection }) => setBusy((all) => new Map(all).set(connection.id, action)),
    onSuccess: (_, { action }) => toast({ tone: "good", text: DONE[action] ?? "Done." }),
    onError: (error) => toast({ tone: "bad", text: sentence(error) }),
    onSettled: async (_data, _error, { connection }) => {
      await reload();
      setBusy((all) => {
        const rest = new Map(all);
        rest.delete(connection.id);
        return rest;
      });
    },
  });
  const onAction = (connection: Connection, action: Action) => {
    if (action === "reconnect") setDialog({ again: { platform: connection.platform, handle: connection.handle } });
    else if (action === "disconnect" || action === "remove") setAsked({ action, connection });
    else act.mutate({ action, connection });
  };

  const list = connections.data;
  const facts = capabilities.data ?? [];
  const add = (
    <Button look="primary" icon={<Plus aria-hidden size={17} />} onClick={() => setDialog({})} disabled={capabilities.data === undefined}>
      {list?.length === 0 ? "Add Your First Profile" : "Connect Profile"}
    </Button>
  );
  const failed = connections.error ?? capabilities.error;
  return (
    <section aria-label={title} className="grid gap-4">
      {list !== undefined && list.length > 0 && (
        <div className="flex flex-wrap items-center justify-between gap-3">
          <h2 className="text-lg font-semibold">
            {title} <span className="font-normal text-soft tabular-nums">{list.length}</span>
          </h2>
          {add}
        </div>
      )}
      {failed !== null && (
        <Notice tone="bad" action={<Button small onClick={() => void Promise.all([connections.refetch(), capabilities.refetch()])}>Try again</Button>}>
          {sentence(failed)}
        </Notice>
      )}
      {list === undefined && failed === null && <Skeletons />}
      {list?.length === 0 && (
        <Empty
          art={["INSTAGRAM", "YOUTUBE", "TIKTOK", "LINKEDIN", "BLUESKY"].map((platform) => (
            <PlatformIcon key={platform} platform={platform} decorative />
          ))}
          title="No accounts yet"
          action={add}
        >
          Connect an account to see its figures here and to publish to it.
        </Empty>
      )}
      {list !== undefined && list.length > 0 && (
        <ul className="grid grid-cols-[repeat(auto-fill,minmax(min(100%,19rem),1fr))] gap-4">
          {list.map((connection) => (
            <li key={connection.id} className="grid min-w-0">
              <ConnectionCard
                connection={connection}
                capability={facts.find((known) => known.platform === connection.platform)}
                now={now}
                busy={busy.get(connection.id) ?? null}
                allowed={herald.role === "admin" ? STAFF : TALENT}
                onAction={(action) => onAction(connection, action)}
              />
            </li>
          ))}
        </ul>
      )}
      {dialog !== null && (
        <ConnectDialog
          talentId={talentId}
          capabilities={facts}
          again={dialog.again}
          returnTo={returnTo}
          onClose={() => setDialog(null)}
          onConnected={(message) => {
            setDialog(null);
            toast({ tone: "good", text: message });
            void reload();
          }}
        />
      )}
      {asked !== null && (
        <ConfirmDialog
          action={asked.action}
          name={`${nameOf(asked.connection.platform)} ${asked.connection.handle}`}
          onClose={() => setAsked(null)}
          onConfirm={() => {
            act.mutate(asked);
            setAsked(null);
          }}
        />
      )}
    </section>
  );
}

async function perform({ api, role }: ReturnType<typeof useHerald>, action: Action, connectionId: string): Promise<void> {
  const params = { path: { connectionId } };
  switch (action) {
    case "refresh":
    case "retry":
      await (role === "talent"
        ? data(api.POST("/api/exclusive/socials/{connectionId}/sync", { params }))
        : data(api.POST("/api/admin/socials/{connectionId}/sync", { params })));
      return;
    case "pause":
      await data(api.POST("/api/admin/socials/{connectionId}/pause", { params }));
      return;
    case "resume":
      await data(api.POST("/api/admin/socials/{connectionId}/resume", { params }));
      return;
    case "disconnect":
      await (role === "talent"
        ? data(api.POST("/api/exclusive/socials/disconnect", { body: { connectionId } }))
        : data(api.POST("/api/social/disconnect", { body: { connectionId } })));
      return;
    case "remove":
      await data(api.DELETE("/api/admin/socials/{connectionId}", { params }));
      return;
    default:
      return;
  }
}

function Skeletons() {
  return (
    <div role="status" aria-label="Loading accounts" className="grid grid-cols-[repeat(auto-fill,minmax(min(100%,19rem),1fr))] gap-4">
      {[0, 1, 2].map((n) => (
        <div key={n} className="card grid gap-4 p-5">
          <div className="flex items-center gap-3">
            <span className="skeleton size-11 !rounded-full" />
            <span className="grid flex-1 gap-2">
              <span className="skeleton h-4 w-2/3" />
              <span className="skeleton h-3 w-1/2" />
            </span>
          </div>
          <span className="skeleton h-9 w-full" />
          <span className="skeleton h-4 w-3/4" />
        </div>
      ))}
    </div>
  );
}
