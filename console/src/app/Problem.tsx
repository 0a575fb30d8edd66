import { Link, type ErrorComponentProps } from "@tanstack/react-router";
import type { ReactNode } from "react";

import { sentence } from "../api/errors";
import { Button, buttonClass } from "../ui/Button";

function Sheet({ title, children, action }: { title: string; children: ReactNode; action: ReactNode }) {
  return (
    <div className="mx-auto grid max-w-lg justify-items-start gap-3 py-16">
      <h1 className="text-2xl font-semibold tracking-tight">{title}</h1>
      <p className="text-soft">{children}</p>
      <div className="mt-3 flex gap-2">{action}</div>
    </div>
  );
}

const home = (
  <Link to="/" className={buttonClass("primary")}>
    Back to the start
  </Link>
);

export const NotFound = () => (
  <Sheet title="There is no such page" action={home}>
    The address may be mistyped, or what it showed was deleted.
  </Sheet>
);

export const NotYours = () => (
  <Sheet title="This page is for staff" action={home}>
    You are logged in as a talent. Your accounts and posts are all yours; what belongs to others is not shown.
  </Sheet>
);

export const Problem = ({ error, reset }: ErrorComponentProps) => (
  <Sheet
    title="This page has a problem"
    action={
      <>
        <Button look="primary" onClick={reset}>
          Try again
        </Button>
        <Button onClick={() => window.location.reload()}>Reload</Button>
      </>
    }
  >
    {sentence(error)} What you wrote is kept.
  </Sheet>
);
