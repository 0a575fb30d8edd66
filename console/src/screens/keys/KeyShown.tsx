import { Check, Copy } from "lucide-react";
import { useId, useRef, useState } from "react";

import type { CreatedApiKey } from "../../api/types";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Notice } from "../../ui/Notice";

/** A new key, the one time that it can be seen. It is not closed by a slip before it was copied. */
export function KeyShown({ made, onClose }: { made: CreatedApiKey; onClose: () => void }) {
  const [copied, setCopied] = useState<"yes" | "no" | "by hand">("no");
  const [isLeaving, setLeaving] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  const { key } = made;
  if (key == null) {
    return (
      <Dialog title="The key was made, and is lost" onClose={onClose} actions={<Button look="primary" onClick={onClose}>Close</Button>}>
        <p className="text-[0.875rem]">The answer that held it did not arrive, and it is kept nowhere. Revoke {made.name} and make another one.</p>
      </Dialog>
    );
  }
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(key);
      setCopied("yes");
    } catch {
      // The browser does not let pages write there; the key is selected, so that it can be copied by hand.
      field.current?.select();
      setCopied("by hand");
    }
    setLeaving(false);
  };
  const close = () => (copied === "no" && !isLeaving ? setLeaving(true) : onClose());
  return (
    <Dialog
      wide
      title={`Copy ${made.name} now`}
      onClose={close}
      actions={
        <Button look={copied === "no" ? "plain" : "primary"} onClick={close}>
          {isLeaving ? "Close without it" : "Done"}
        </Button>
      }
    >
      <p className="text-[0.875rem] text-soft">It is shown this once and kept nowhere. Programs send it as a bearer token.</p>
      <label htmlFor={id} className="sr-only">
        The key
      </label>
      <div className="mt-4 flex flex-wrap gap-2">
        <input id={id} ref={field} readOnly className="control min-w-0 flex-1 basis-64 font-mono text-[0.8125rem]" value={key} onFocus={(event) => event.target.select()} />
        <Button look="primary" icon={copied === "yes" ? <Check aria-hidden size={16} /> : <Copy aria-hidden size={16} />} onClick={() => void copy()}>
          {copied === "yes" ? "Copied" : "Copy"}
        </Button>
      </div>
      <div role="status" className="mt-4 empty:hidden">
        {copied === "by hand" && <Notice tone="info">This browser does not let the page copy. The key is selected: copy it by hand.</Notice>}
        {isLeaving && <Notice tone="warn">You have not copied it, and it cannot be shown again.</Notice>}
      </div>
    </Dialog>
  );
}
