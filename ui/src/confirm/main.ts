import { start } from "../start";
import ConfirmWindow from "./ConfirmWindow.svelte";

void start(ConfirmWindow);
