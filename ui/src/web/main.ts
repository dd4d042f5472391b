import { mount } from "svelte";
import { WebHost } from "../backend/web";
import "../look.css";
import { withHost } from "./host";
import WebApp from "./WebApp.svelte";

mount(WebApp, { target: document.body, context: withHost(new WebHost()) });
