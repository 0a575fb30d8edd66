import { type ReactNode, useId } from "react";

interface Props {
  label: string;
  hint?: ReactNode;
  problem?: string | null;
  /** Beside the label, at the far end. */
  aside?: ReactNode;
  children: (ids: { id: string; "aria-describedby": string | undefined; "aria-invalid": boolean | undefined }) => ReactNode;
}

/** A label, its control, what it takes, and what is wrong with it. */
export function Field({ label, hint, problem = null, aside, children }: Props) {
  const id = useId();
  const described = [hint !== undefined && problem === null && `${id}-hint`, problem !== null && `${id}-problem`].filter(Boolean).join(" ");
  return (
    <div className="grid gap-1.5">
      <div className="flex items-baseline justify-between gap-3">
        <label htmlFor={id} className="text-[0.8125rem] font-medium">
          {label}
        </label>
        {aside}
      </div>
      {children({ id, "aria-describedby": described === "" ? undefined : described, "aria-invalid": problem !== null || undefined })}
      {hint !== undefined && problem === null && (
        <p id={`${id}-hint`} className="text-[0.8125rem] text-soft">
          {hint}
        </p>
      )}
      <p id={`${id}-problem`} role="status" className="text-[0.8125rem] font-medium text-bad empty:hidden">
        {problem}
      </p>
    </div>
  );
}
