//! The beginning of a new rule, for its writer to fill in.

use super::error::is_rule_id;

/// An id that no rule can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the id `{0}` must be 1 to 16 of A-Z, 0-9 and -, beginning with a letter")]
pub struct BadId(pub String);

/// A whole pack file with one rule that is sound, passes its own tests, and never alerts: it is in
/// status `shadow`. Its words stand for those to come.
///
/// # Errors
/// When no rule can have this id.
pub fn scaffold(id: &str) -> Result<String, BadId> {
    if !is_rule_id(id) {
        return Err(BadId(id.to_owned()));
    }
    // Groups are shared by all files, so their names follow the id.
    let name = id.to_ascii_lowercase().replace('-', "_");
    Ok(TEMPLATE.replace("@ID@", id).replace("@NAME@", &name))
}

const TEMPLATE: &str = "\
# yaml-language-server: $schema=schema.json
# 先写用例,再写词条;写法见 docs/rules.md。示例文字请全部替换。

groups:
  @NAME@_who:                     # 词组名:a-z、0-9、_,全规则包内唯一
    title: 示例对象
    terms: [示例商户, 示例机构]
  @NAME@_act:
    title: 示例行为
    terms: [示例失联, 示例拒退, 're:示例(老板|负责人).{0,4}不见了']

rules:
  - id: @ID@
    title: 待填:一句话说明
    category: 待填:类别
    status: shadow                # 先试运行;看过命中再改为 experimental、stable
    version: 1                    # 含义每改一次加一
    owner: 待填:负责单位
    references:                   # 依据的法规、通知、案例
      - 待填:依据
    false_positives:              # 看着像、其实不是的情形
      - 待填:易混情形
    strong:                       # 几乎足以说明问题的词:50;单独足以说明的:60
      - weight: 50
        terms: [示例强词一, 示例强词二]
    near:                         # 两组词相距不超过 within 个字
      - {weight: 60, groups: [@NAME@_who, @NAME@_act], within: 20}
    weak:                         # 相符的日常用词:10 至 15
      - weight: 12
        terms: [示例弱词]
    context: {@NAME@_act: 15}     # 词组出现时加分,每组一次
    tests:                        # 用办件人的口吻写;不要抄真实诉求
      must_fire:                  # 至少三条
        - 我在示例商户付了三千，现在示例失联，电话打不通。
        - 楼下示例机构的示例老板昨天不见了，钱退不了。
        - 遇到示例强词一，去问又是示例拒退。
      must_not_fire:              # 至少三条,写相近而不该报的
        - 示例商户的服务态度差，希望整改。
        - 请问示例弱词怎么办理？
        - 示例强词二是什么意思，想咨询一下。
";
