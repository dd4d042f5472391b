import { mount } from "svelte";
import { WebHost } from "../backend/web";
import "../look.css";
import "./admin.css";
import { withHost } from "../web/host";
import AdminApp from "./AdminApp.svelte";

mount(AdminApp, { target: document.body, context: withHost(new WebHost()) });
