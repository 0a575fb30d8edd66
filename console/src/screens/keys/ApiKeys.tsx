import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { KeyRound, Plus } from "lucide-react";
import { useState } from "react";

import { sentence } from "../../api/errors";
import type { ApiKey, CreatedApiKey } from "../../api/types";
import { PageHead } from "../../app/Page";
import { useHerald } from "../../connections/api";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Empty } from "../../ui/Empty";
import { Notice } from "../../ui/Notice";
import { useNow } from "../../ui/time";
import { useToast } from "../../ui/Toasts";
import { useTalents } from "../talents/api";
import { keysQuery, revokeKey } from "./api";
import { KeyDialog } from "./KeyDialog";
import { KeyShown } from "./KeyShown";
import { KeyList } from "./KeyList";

/** Keys by which programs come in. */
export function ApiKeys() {
  const herald = useHerald();
  const now = useNow(5_000);
  const keys = useQuery(keysQuery(herald));
  const talents = useTalents();
  const [isMaking, setMaking] = useState(false);
  const [made, setMade] = useState<CreatedApiKey | null>(null);
  const [revoking, setRevoking] = useState<ApiKey | null>(null);
  const make = (
    <Button look="primary" icon={<Plus aria-hidden size={17} />} onClick={() => setMaking(true)}>
      Make a key
    </Button>
  );
  return (
    <>
      <PageHead title="API keys" actions={keys.data !== undefined && keys.data.length > 0 ? make : undefined}>
        For programs that come without a person.
      </PageHead>
      {keys.isError && (
        <div className="mb-4">
          <Notice tone="bad" action={<Button small onClick={() => void keys.refetch()}>Try again</Button>}>
            {sentence(keys.error)}
          </Notice>
        </div>
      )}
      {keys.isPending && <span role="status" aria-label="Loading keys" className="skeleton block h-48 !rounded-card" />}
      {keys.data?.length === 0 && (
        <Empty art={<KeyRound aria-hidden size={32} strokeWidth={1.5} />} title="No keys yet" action={make}>
          A key lets a program call the API as staff, or as one talent, until it ends or is revoked.
        </Empty>
      )}
      {keys.data !== undefined && keys.data.length > 0 && <KeyList keys={keys.data} talents={talents.data ?? []} now={now} onRevoke={setRevoking} />}
      {isMaking && (
        <KeyDialog
          talents={talents.data ?? []}
          onClose={() => setMaking(false)}
          onMade={(key) => {
            setMaking(false);
            setMade(key);
          }}
        />
      )}
      {made !== null && <KeyShown made={made} onClose={() => setMade(null)} />}
      {revoking !== null && <RevokeDialog apiKey={revoking} onClose={() => setRevoking(null)} />}
    </>
  );
}

function RevokeDialog({ apiKey, onClose }: { apiKey: ApiKey; onClose: () => void }) {
  const herald = useHerald();
  const client = useQueryClient();
  const toast = useToast();
  const revoke = useMutation({
    mutationFn: () => revokeKey(herald, apiKey.id),
    onSuccess: () => {
      toast({ tone: "good", text: `${apiKey.name} is revoked.` });
      onClose();
    },
    onError: (error) => toast({ tone: "bad", text: sentence(error) }),
    onSettled: () => client.invalidateQueries({ queryKey: ["api-keys"] }),
  });
  return (
    <Dialog
      title={`Revoke ${apiKey.name}?`}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Keep it</Button>
          <Button look="danger" busy={revoke.isPending} onClick={() => revoke.mutate()}>
            Revoke
          </Button>
        </>
      }
    >
      <p className="text-[0.875rem]">Every program that uses it is refused from now on. This cannot be undone; what the key did stays in the audit log.</p>
    </Dialog>
  );
}
