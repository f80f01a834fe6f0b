"""A connector file with the real queue, threads and databases."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
from support.bench import Workbench, new_task
from support.clocks import ManualClock

from integrationbus.server.object_view import ByCodeName, ObjectView
from integrationbus.server.task import NewTask, Payload, PayloadForm, TaskState, TaskType

SHOP = """\
name: shop
classes:
  - object_type: shop.category
    table: shop_category
    code_name: name
    columns:
      name: {type: text, length: 50}
  - object_type: shop.product
    table: shop_product
    code_name: sku
    site: site_id
    columns:
      sku: {type: text, length: 20}
      label: {type: text, default: unnamed}
      price: {type: decimal, precision: 30, scale: 20, nullable: true}
      category_id: {references: shop.category, depends: required}
      site_id: {references: cms.site, depends: required}
      leaflet_id: {references: shop.leaflet, depends: not_required}
  - object_type: shop.leaflet
    kind: page
    table: shop_leaflet
    columns:
      heading: {type: text, default: ''}
mappings:
  - class: shop.leaflet
    fields:
      document_culture: "'en-US'"
      node_alias: object.alias
      node_guid: {value: object.guid, optional: true}
      node_parent_id: {value: object.parent, optional: true}
      heading: {value: object.heading, optional: true}
  - class: cms.site
    when: object.kind == 'site'
    fields: {site_name: object.name}
  - class: shop.category
    when: object.kind == 'category'
    fields: {name: object.name}
  - class: shop.product
    when: object.kind == 'product'
    fields:
      sku: object.sku
      site_id: object.site
      label: {value: object.label, optional: true}
      price: object.price
      category_id: object.category
      leaflet_id: 'has(object.leaflet) ? object.leaflet : null'
keys:
  cms.site: {code_name: id}
page_keys:
  shop.product: {node_guid: id, culture: "'en-US'", site: "'main'"}
"""

PATIENT = """\
name: patient
missing_key: {wait: 1 hour}
mappings:
  - class: cms.site
    when: has(object.domain)
    fields: {site_name: object.name}
  - class: cms.role
    fields: {role_name: object.name, site_id: object.site}
"""

GUID = UUID(int=7)
CREATE, UPDATE, DELETE = TaskType.CREATE_OBJECT, TaskType.UPDATE_OBJECT, TaskType.DELETE_OBJECT
TEA = {"kind": "product", "sku": "TEA", "site": "main", "category": 12, "price": 4, "leaflet": str(GUID)}


@pytest.fixture
def shop(tmp_path: Path, database_url: str, clock: ManualClock) -> Iterator[Workbench]:
    """A bus with the connector of the file, the site "main", a category and a page."""
    path = tmp_path / "shop.yaml"
    path.write_text(SHOP)
    patient = tmp_path / "patient.yaml"
    patient.write_text(PATIENT)
    with Workbench(database_url, clock, [str(path), str(patient)]) as bus:
        bus.log(
            task({"kind": "site", "name": "main"}),
            task({"kind": "category", "name": "Drinks"}, external_id="12"),
            page({"alias": "leaflets", "guid": GUID}),
        )
        assert bus.process("shop").counts.succeeded == 3
        yield bus


def task(fields: dict[str, object], task_type: TaskType = CREATE, external_id: str = "", site: str = "") -> NewTask:
    return new_task(fields, connector="shop", task_type=task_type, external_id=external_id, site=site)


def page(fields: dict[str, object], task_type: TaskType = TaskType.CREATE_DOCUMENT, external_id: str = "") -> NewTask:
    return task(fields, task_type, external_id, site="main")


def product(shop: Workbench) -> ObjectView:
    return shop.objects.get("shop.product", ByCodeName("TEA"))


def test_an_object_is_created_with_keys_of_each_kind_updated_and_deleted(shop: Workbench) -> None:
    shop.log(task(TEA))
    assert shop.process("shop").counts.succeeded == 1
    created = product(shop)
    assert created.fields["label"] == "unnamed"
    assert created.fields["category_id"] == shop.objects.get("shop.category", ByCodeName("Drinks")).id
    assert created.fields["site_id"] == shop.objects.get("cms.site", ByCodeName("main")).id
    assert created.fields["leaflet_id"] is not None

    shop.log(task({**TEA, "label": "Tea"}, UPDATE), task({**TEA, "price": 5}, UPDATE))
    assert shop.process("shop").counts.succeeded == 2
    assert product(shop).id == created.id
    assert product(shop).fields["label"] == "Tea"
    assert Decimal(str(product(shop).fields["price"])) == Decimal(5)

    shop.log(task({"kind": "product", "sku": "TEA", "site": "main"}, DELETE))
    assert shop.process("shop").counts.succeeded == 1
    assert shop.names("shop.product") == []


def test_json_is_mapped_like_a_record(shop: Workbench) -> None:
    data = b'{"kind": "product", "sku": "TEA", "site": "main", "category": "12", "price": 4.5}'
    payload = Payload(form=PayloadForm.ENCODED, type_name="application/json", data=data)
    shop.log(replace(task({}), payload=payload))
    assert shop.process("shop").counts.succeeded == 1
    assert product(shop).fields["leaflet_id"] is None


def test_a_page_is_put_below_its_parent_and_taken_away(shop: Workbench) -> None:
    shop.log(
        page({"alias": "tea", "heading": "Tea"}, external_id="1"),
        page({"alias": "green", "heading": "Green tea", "parent": 1}),
        page({"alias": "green", "parent": 1}, TaskType.UPDATE_DOCUMENT),
    )
    assert shop.process("shop").counts.succeeded == 3
    assert shop.fields_of("shop.leaflet", "/tea/green")["heading"] == "Green tea"
    shop.log(page({"alias": "green", "parent": 1}, TaskType.DELETE_DOCUMENT))
    assert shop.process("shop").counts.succeeded == 1
    assert shop.names("shop.leaflet") == ["/leaflets", "/tea"]


def test_a_key_that_leads_nowhere_does_what_the_class_of_the_file_says(shop: Workbench) -> None:
    lost = task({**TEA, "category": 13})
    shop.log(lost)
    shop.process("shop")
    assert (error := shop.task(lost.id).last_error)
    assert error.reason == "KEY_NOT_FOUND"


def test_a_missing_field_fails_the_task_and_names_the_expression(shop: Workbench) -> None:
    nameless = task({"kind": "category"})
    shop.log(nameless)
    shop.process("shop")
    assert (error := shop.task(nameless.id).last_error)
    assert error.reason == "CONNECTOR_FAILED"
    assert "shop.category.name = object.name: there is no 'name'" in error.message


def test_a_task_waits_for_a_missing_key_as_long_as_the_file_says(shop: Workbench, clock: ManualClock) -> None:
    def role(name: str, site: str) -> NewTask:
        return new_task({"name": name, "site": site}, connector="patient", external_id=name)

    [early, lost] = shop.log(role("editor", "second"), role("author", "third"))
    assert shop.process("patient").counts.waiting == 2
    shop.log(new_task({"name": "second", "domain": "example.org"}, connector="patient", external_id="second"))
    shop.process("patient")
    assert (shop.task(early).state, shop.task(lost).state) == (TaskState.SUCCEEDED, TaskState.WAITING)
    clock.advance(timedelta(hours=1))
    shop.process("patient")
    assert shop.task(lost).state is TaskState.FAILED
