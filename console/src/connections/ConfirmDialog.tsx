import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";

interface Props {
  action: "disconnect" | "remove";
  name: string;
  onClose: () => void;
  onConfirm: () => void;
}

const TEXT = {
  disconnect: {
    title: (name: string) => `Disconnect ${name}?`,
    goes: ["Access is revoked at the platform and Herald forgets its tokens.", "Posts that wait for this account will not go out."],
    stays: "Its figures and history stay, and it can be connected again.",
    button: "Disconnect",
  },
  remove: {
    title: (name: string) => `Delete ${name}?`,
    goes: ["Access is revoked at the platform.", "The connection, its profile, its figures and everything read from it are deleted.", "Posts that wait for this account will not go out."],
    stays: "What is published on the platform stays there. This cannot be undone.",
    button: "Delete",
  },
};

/** Says what goes and what stays, before it goes. */
export function ConfirmDialog({ action, name, onClose, onConfirm }: Props) {
  const text = TEXT[action];
  return (
    <Dialog
      title={text.title(name)}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Keep it</Button>
          <Button look="danger" onClick={onConfirm}>
            {text.button}
          </Button>
        </>
      }
    >
      <ul className="list-disc pl-5 text-[0.875rem] marker:text-soft">
        {text.goes.map((line) => (
          <li key={line} className="py-0.5">
            {line}
          </li>
        ))}
      </ul>
      <p className="mt-3 text-[0.875rem] text-soft">{text.stays}</p>
    </Dialog>
  );
}
