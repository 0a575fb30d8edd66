import { ArrowDown, ArrowUp, FileText, Film, Plus, X } from "lucide-react";
import { type FormEvent, useState } from "react";

import { Button, IconButton } from "../../ui/Button";
import { Field } from "../../ui/Field";

export type MediaKind = "image" | "video" | "document";

/** What an address says of its file; the API reads the file itself. */
export function kindOf(url: string): MediaKind {
  const path = url.split(/[?#]/)[0]?.toLowerCase() ?? "";
  if (/\.(mp4|mov|webm|mkv|avi|mpe?g|3gp|m4v)$/.test(path)) return "video";
  if (/\.(pdf|docx?|pptx?)$/.test(path)) return "document";
  return "image";
}

export function addressProblem(text: string, known: string[]): string | null {
  const address = text.trim();
  if (address === "") return null;
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    return "Give the whole address, with https://.";
  }
  if (url.protocol !== "https:") return "The address must begin with https://.";
  return known.includes(address) ? "This file is there already." : null;
}

interface Props {
  urls: string[];
  onChange: (urls: string[]) => void;
}

/** Files by their address, in the order in which they stand in the post. */
export function Media({ urls, onChange }: Props) {
  const [typed, setTyped] = useState("");
  const [tried, setTried] = useState(false);
  const wrong = addressProblem(typed, urls);
  const add = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (typed.trim() === "" || wrong !== null) return;
    onChange([...urls, typed.trim()]);
    setTyped("");
    setTried(false);
  };
  const move = (from: number, to: number) => {
    const next = [...urls];
    const [moved] = next.splice(from, 1);
    if (moved !== undefined) next.splice(to, 0, moved);
    onChange(next);
  };
  return (
    <div className="grid gap-3">
      {urls.length > 0 && (
        <ul className="grid gap-2">
          {urls.map((url, at) => {
            const name = url.split(/[?#]/)[0]?.split("/").at(-1) || url;
            return (
              <li key={url} className="flex items-center gap-3 rounded-xl border border-line p-2">
                <Thumb url={url} />
                <span className="min-w-0 flex-1">
                  <span className="block truncate text-[0.875rem] font-medium">{name}</span>
                  <span className="block truncate text-[0.75rem] text-soft">{new URL(url).hostname}</span>
                </span>
                <IconButton label={`Move ${name} up`} disabled={at === 0} onClick={() => move(at, at - 1)}>
                  <ArrowUp aria-hidden size={15} />
                </IconButton>
                <IconButton label={`Move ${name} down`} disabled={at === urls.length - 1} onClick={() => move(at, at + 1)}>
                  <ArrowDown aria-hidden size={15} />
                </IconButton>
                <IconButton label={`Remove ${name}`} onClick={() => onChange(urls.filter((other) => other !== url))}>
                  <X aria-hidden size={15} />
                </IconButton>
              </li>
            );
          })}
        </ul>
      )}
      <form onSubmit={add} noValidate>
        <Field label="Picture, video or document" hint="A public https address. Platforms fetch it from there or Herald sends it." problem={tried || typed.length > 12 ? wrong : null}>
          {(ids) => (
            <div className="flex gap-2">
              <input {...ids} type="url" inputMode="url" className="control" value={typed} onChange={(event) => setTyped(event.target.value)} placeholder="https://" autoComplete="off" />
              <Button type="submit" icon={<Plus aria-hidden size={15} />}>
                Add
              </Button>
            </div>
          )}
        </Field>
      </form>
    </div>
  );
}

function Thumb({ url }: { url: string }) {
  const [broken, setBroken] = useState(false);
  const kind = kindOf(url);
  if (kind === "image" && !broken) {
    return <img src={url} alt="" referrerPolicy="no-referrer" onError={() => setBroken(true)} className="size-12 shrink-0 rounded-lg bg-sunken object-cover" />;
  }
  const Icon = kind === "video" ? Film : FileText;
  return (
    <span className="grid size-12 shrink-0 place-items-center rounded-lg bg-sunken text-soft">
      <Icon aria-hidden size={18} />
    </span>
  );
}
