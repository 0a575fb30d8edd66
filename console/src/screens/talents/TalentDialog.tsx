import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";

import { data } from "../../api/client";
import { sentence } from "../../api/errors";
import type { Talent } from "../../api/types";
import { useHerald } from "../../connections/api";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { useToast } from "../../ui/Toasts";
import { idOf, isId } from "./id";

interface Props {
  known: Talent[];
  /** The talent that is renamed; none: a new one. */
  talent?: Talent;
  onClose: () => void;
}

/** Adds or renames a talent. */
export function TalentDialog({ known, talent, onClose }: Props) {
  const { api } = useHerald();
  const client = useQueryClient();
  const navigate = useNavigate();
  const toast = useToast();
  const [name, setName] = useState(talent?.name ?? "");
  const [ownId, setOwnId] = useState<string | null>(null);
  const id = talent?.id ?? ownId ?? idOf(name);
  const taken = talent === undefined && known.some((other) => other.id === id);
  const wrong = taken ? "Another talent has this id." : id !== "" && !isId(id) ? "Letters, digits, - and _, 64 at most." : null;
  const save = useMutation({
    mutationFn: () => data(api.PUT("/api/admin/talents/{talentId}", { params: { path: { talentId: id } }, body: { name: name.trim() } })),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["talents"] });
      toast({ tone: "good", text: talent === undefined ? `${name.trim()} is here.` : "Renamed." });
      onClose();
      if (talent === undefined) void navigate({ to: "/talents/$talentId", params: { talentId: id } });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() !== "" && wrong === null) save.mutate();
  };
  return (
    <Dialog title={talent === undefined ? "Add a talent" : "Rename"} onClose={onClose}>
      <form onSubmit={submit} className="grid gap-4 pt-2" noValidate>
        <Field label="Name" problem={save.isError ? sentence(save.error) : null}>
          {(ids) => <input {...ids} className="control" value={name} onChange={(event) => setName(event.target.value)} maxLength={200} autoFocus autoComplete="off" />}
        </Field>
        {talent === undefined && (
          <Field label="Id" hint="How other systems call this talent. It cannot be changed later." problem={wrong}>
            {(ids) => <input {...ids} className="control font-mono text-[0.875rem]" value={id} onChange={(event) => setOwnId(event.target.value)} maxLength={64} autoComplete="off" autoCapitalize="none" spellCheck={false} />}
          </Field>
        )}
        <Button type="submit" look="primary" busy={save.isPending} disabled={name.trim() === "" || id === "" || wrong !== null}>
          {talent === undefined ? "Add" : "Save"}
        </Button>
      </form>
    </Dialog>
  );
}
