// Waits for what must come may be long: the machine is shared, and a test that passes ends them early.
import { configure } from "@testing-library/svelte";

configure({ asyncUtilTimeout: 15_000 });
