import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";

import { idempotencyKey } from "../../api/client";
import { sentence } from "../../api/errors";
import type { CreateApiKey, CreatedApiKey, Talent } from "../../api/types";
import { useHerald } from "../../connections/api";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Notice } from "../../ui/Notice";
import { createKey } from "./api";
import { endOf, ENDS } from "./ends";

interface Props {
  talents: Talent[];
  onClose: () => void;
  onMade: (key: CreatedApiKey) => void;
}

/** Makes a key: what it is called, what it may do, and when it ends. */
export function KeyDialog({ talents, onClose, onMade }: Props) {
  const herald = useHerald();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [role, setRole] = useState<"admin" | "talent">("talent");
  const [talentId, setTalentId] = useState("");
  const [ends, setEnds] = useState("90");
  const [day, setDay] = useState("");
  const expiresAt = endOf(ends, day, Date.now());
  const isWhole = name.trim() !== "" && (role === "admin" || talentId !== "") && expiresAt !== undefined;
  const make = useMutation({
    mutationFn: (body: CreateApiKey) => createKey(herald, body, idempotencyKey()),
    onSuccess: async (key) => {
      await client.invalidateQueries({ queryKey: ["api-keys"] });
      onMade(key);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isWhole) make.mutate({ name: name.trim(), role, ...(role === "talent" ? { talentId } : {}), ...(expiresAt === null ? {} : { expiresAt }) });
  };
  return (
    <Dialog title="Make a key" onClose={onClose}>
      <form onSubmit={submit} className="grid gap-4 pt-2" noValidate>
        <Field label="Name" hint="Such as the program that will use it.">
          {(ids) => <input {...ids} className="control" value={name} onChange={(event) => setName(event.target.value)} maxLength={100} autoFocus autoComplete="off" />}
        </Field>
        <Field label="May do">
          {(ids) => (
            <select {...ids} className="control pick" value={role} onChange={(event) => setRole(event.target.value === "admin" ? "admin" : "talent")}>
              <option value="talent">What one talent may</option>
              <option value="admin">Everything, as staff</option>
            </select>
          )}
        </Field>
        {role === "talent" ? (
          <Field label="Talent">
            {(ids) => (
              <select {...ids} className="control pick" value={talentId} onChange={(event) => setTalentId(event.target.value)}>
                <option value="" disabled>
                  Choose one
                </option>
                {talents.map(({ id, name }) => (
                  <option key={id} value={id}>
                    {name}
                  </option>
                ))}
              </select>
            )}
          </Field>
        ) : (
          <Notice tone="warn">Whoever holds it sees every talent, publishes for all of them and can make further keys.</Notice>
        )}
        <div className={ends === "date" ? "grid gap-4 sm:grid-cols-2" : undefined}>
          <Field label="Ends">
            {(ids) => (
              <select {...ids} className="control pick" value={ends} onChange={(event) => setEnds(event.target.value)}>
                {ENDS.map(([value, label]) => (
                  <option key={value} value={value}>
                    {label}
                  </option>
                ))}
              </select>
            )}
          </Field>
          {ends === "date" && (
            <Field label="Last day" problem={day !== "" && expiresAt === undefined ? "That day is over." : null}>
              {(ids) => <input {...ids} type="date" className="control" value={day} onChange={(event) => setDay(event.target.value)} />}
            </Field>
          )}
        </div>
        {make.isError && <Notice tone="bad">{sentence(make.error)}</Notice>}
        <Button type="submit" look="primary" busy={make.isPending} disabled={!isWhole}>
          Make it
        </Button>
      </form>
    </Dialog>
  );
}
