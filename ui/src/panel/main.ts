import { start } from "../start";
import PanelWindow from "./PanelWindow.svelte";

void start(PanelWindow);
