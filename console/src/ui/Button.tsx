import { LoaderCircle } from "lucide-react";
import type { ButtonHTMLAttributes, ReactNode, Ref } from "react";

import { cx } from "./classes";

type Look = "primary" | "plain" | "quiet" | "danger";

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  look?: Look;
  /** The action is under way: shown at once, and not to be started twice. */
  busy?: boolean;
  small?: boolean;
  icon?: ReactNode;
  ref?: Ref<HTMLButtonElement>;
}

const LOOKS: Record<Look, string> = {
  primary: "bg-accent text-on-accent border-transparent hover:bg-accent-strong",
  plain: "bg-surface text-ink border-line hover:bg-sunken",
  quiet: "bg-transparent text-soft border-transparent hover:bg-sunken hover:text-ink",
  danger: "bg-surface text-bad border-line hover:bg-bad-wash",
};

const SIZES = {
  usual: "min-h-10 px-4 text-[0.875rem]",
  small: "min-h-9 px-3 text-[0.8125rem]",
  icon: "size-9",
};

export const buttonClass = (look: Look = "plain", size: "usual" | "small" | "icon" = "usual"): string =>
  cx(
    "inline-flex shrink-0 items-center justify-center gap-2 whitespace-nowrap rounded-control border font-medium no-underline transition-colors duration-100 select-none",
    "active:translate-y-px disabled:opacity-50 disabled:pointer-events-none",
    SIZES[size],
    LOOKS[look],
  );

export function Button({ look = "plain", busy = false, small = false, icon, children, className, disabled, ...rest }: Props) {
  return (
    <button
      type="button"
      {...rest}
      disabled={disabled === true || busy}
      aria-busy={busy || undefined}
      className={cx(buttonClass(look, small ? "small" : "usual"), className)}
    >
      {busy ? <LoaderCircle aria-hidden size={16} className="animate-spin" /> : icon}
      {children}
    </button>
  );
}

interface IconButtonProps extends Omit<Props, "children" | "icon"> {
  label: string;
  children: ReactNode;
}

/** A button of one picture; its name is said and shown on hover. */
export function IconButton({ label, children, busy = false, look = "quiet", className, disabled, ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      title={label}
      aria-label={label}
      aria-busy={busy || undefined}
      disabled={disabled === true || busy}
      className={cx(buttonClass(look, "icon"), className)}
    >
      {busy ? <LoaderCircle aria-hidden size={16} className="animate-spin" /> : children}
    </button>
  );
}
