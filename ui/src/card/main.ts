import { start } from "../start";
import CardWindow from "./CardWindow.svelte";

void start(CardWindow);
