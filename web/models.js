// Which model writes, where the server has several: a choice in the form, with what each takes.
import * as api from "./api.js";
import { $, make } from "./dom.js";
import * as form from "./form.js";
import { lastChoices } from "./history.js";
import { T } from "./texts.js";

export async function offer() {
	const { data: models } = (await api.models()).data;
	const select = $("model");
	const wanted = select.value || lastChoices().model;
	const efforts = (name) => models.find((model) => model.name === name)?.expected_wait_seconds?.efforts;
	const option = ({ name, licence }) => make("option", { value: name }, T.model(name, efforts(name)?.quick, licence));
	select.replaceChildren(...models.map(option));
	select.value = wanted;
	if (!select.value) select.value = models[0].name;
	select.onchange = () => form.expect({ efforts: efforts(select.value) });
	$("model-part").hidden = false;
	select.onchange();
}
