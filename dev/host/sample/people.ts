import type { SampleMedia } from "./sample.ts";

/** Made-up customers of a shop. */
export const CUSTOMERS =
  "Ada Ben Chloe Dan Elif Finn Grace Hugo Iris Jack Kira Leo Maya Noah Olga Paul Rosa Sam Tara Umar Vera Will Xenia Yann".split(
    " ",
  );

/** Made-up patients of a practice. */
export const PATIENTS = "Abbot Baker Clark Drew Ellis Frost Gray Hale Irving Jones Kent Lowe Moss Nash".split(
  " ",
);

/** A phone's chat: a number of the range that Ofcom keeps for fiction, +44 7700 900000 to 900999. */
export function phoneOf(place: number): string {
  return `447700900${String(place).padStart(3, "0")}@c.us`;
}

/** A club's groups. */
export const GROUPS = [
  "Under 8",
  "Under 10",
  "Under 12",
  "Under 14",
  "Under 16",
  "Juniors",
  "Women 1",
  "Women 2",
  "Men 1",
  "Men 2",
  "Veterans",
  "Coaches",
].map((name, place) => ({ name, chatId: `1203630250000000${String(place).padStart(2, "0")}@g.us` }));

/** The other ways in which apps name a chat, and the chat that WAHA must be told. */
export const CHATS = [
  {
    written: "447700900200",
    arrivesAt: "447700900200@c.us",
    content: "Your order 1041 is ready to be picked up.",
  },
  {
    written: "84927361548273@lid",
    arrivesAt: "84927361548273@lid",
    content: "Thanks for your question! We open at 9.",
  },
  {
    written: "447700900201@s.whatsapp.net",
    arrivesAt: "447700900201@s.whatsapp.net",
    content: "Your order 1042 is ready to be picked up.",
  },
];

/** What goes out with some texts. The addresses are of a domain that is kept for examples. */
export const FILES = {
  flyer: {
    kind: "image",
    url: "https://files.example.com/flyer.jpg",
    mimetype: "image/jpeg",
    filename: "image.jpg",
  },
  film: {
    kind: "video",
    url: "https://files.example.com/film.mp4",
    mimetype: "video/mp4",
    filename: "video.mp4",
  },
  plan: {
    kind: "file",
    url: "https://files.example.com/plan.pdf",
    mimetype: "application/pdf",
    filename: "Training plan.pdf",
  },
} as const satisfies Record<string, SampleMedia>;
