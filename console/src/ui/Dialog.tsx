import { X } from "lucide-react";
import { type ReactNode, useEffect, useId, useRef } from "react";

import { IconButton } from "./Button";

interface Props {
  title: string;
  onClose: () => void;
  children: ReactNode;
  /** Buttons at the foot. */
  actions?: ReactNode;
  wide?: boolean;
  /** A drawer at the side of the screen instead of a sheet in its middle. */
  side?: boolean;
}

const SHEET = "rounded-2xl w-[calc(100vw-2rem)] max-h-[calc(100dvh-2rem)] motion-safe:animate-[rise_140ms_ease-out]";
const DRAWER = "mr-0 my-0 h-dvh max-h-dvh w-full max-w-md rounded-none border-y-0 border-r-0 motion-safe:animate-[slide_160ms_ease-out]";

/** A dialog of the browser's own: it keeps the focus inside, gives it back, and closes with Escape. */
export function Dialog({ title, onClose, children, actions, wide = false, side = false }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const element = dialog.current;
    if (element !== null && !element.open) element.showModal();
    return () => element?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === dialog.current) onClose();
      }}
      className={`${side ? DRAWER : `${SHEET} ${wide ? "max-w-2xl" : "max-w-md"}`} overflow-auto border border-line bg-surface p-0 text-ink shadow-float`}
    >
      <div className="flex items-start justify-between gap-4 px-6 pt-5">
        <h2 id={heading} className="text-lg leading-7 font-semibold text-balance">
          {title}
        </h2>
        <IconButton label="Close" onClick={onClose} className="-mt-0.5 -mr-2">
          <X aria-hidden size={18} />
        </IconButton>
      </div>
      <div className="px-6 pt-2 pb-6">{children}</div>
      {actions !== undefined && (
        <div className="flex flex-wrap justify-end gap-2 border-t border-line px-6 py-4">{actions}</div>
      )}
    </dialog>
  );
}
