import { CircleAlert, Info, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";

import { cx } from "./classes";

const LOOKS = {
  info: ["bg-info-wash", "text-info", Info],
  warn: ["bg-warn-wash", "text-warn", TriangleAlert],
  bad: ["bg-bad-wash", "text-bad", CircleAlert],
} as const;

/** Something that stands on the page and asks to be read. */
export function Notice({ tone, children, action }: { tone: keyof typeof LOOKS; children: ReactNode; action?: ReactNode }) {
  const [wash, ink, Icon] = LOOKS[tone];
  return (
    <div className={cx("flex flex-wrap items-center gap-x-3 gap-y-2 rounded-xl px-4 py-3 text-[0.875rem]", wash)}>
      <Icon aria-hidden size={18} className={cx("shrink-0", ink)} />
      <div className="min-w-48 flex-1">{children}</div>
      {action}
    </div>
  );
}
