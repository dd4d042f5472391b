import { start } from "../start";
import SettingsWindow from "./SettingsWindow.svelte";

void start(SettingsWindow);
