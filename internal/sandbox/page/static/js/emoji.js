// The shortcodes a bot and its people use most; an unknown one stays as typed.

const table = `
+1 👍|thumbsup 👍|-1 👎|thumbsdown 👎|wave 👋|clap 👏|raised_hands 🙌|pray 🙏|ok_hand 👌|point_right 👉|point_up ☝️|point_down 👇|muscle 💪|handshake 🤝|raised_hand ✋|raising_hand 🙋|writing_hand ✍️
smile 😄|slightly_smiling_face 🙂|grin 😁|joy 😂|wink 😉|sweat_smile 😅|thinking_face 🤔|sob 😭|scream 😱|sunglasses 😎|neutral_face 😐|grimacing 😬|tada 🎉|heart ❤️|sparkles ✨|fire 🔥|rocket 🚀|star ⭐|zap ⚡|boom 💥|100 💯
eyes 👀|bell 🔔|no_bell 🔕|rotating_light 🚨|warning ⚠️|siren 🚨|fire_engine 🚒|police_car 🚓|ambulance 🚑|sos 🆘|no_entry ⛔|no_entry_sign 🚫|octagonal_sign 🛑|construction 🚧|exclamation ❗|question ❓|grey_question ❔|grey_exclamation ❕|bangbang ‼️|interrobang ⁉️|information_source ℹ️
white_check_mark ✅|heavy_check_mark ✔️|ballot_box_with_check ☑️|x ❌|negative_squared_cross_mark ❎|heavy_multiplication_x ✖️|heavy_plus_sign ➕|heavy_minus_sign ➖|white_circle ⚪|black_circle ⚫|red_circle 🔴|large_blue_circle 🔵|large_green_circle 🟢|large_yellow_circle 🟡|large_orange_circle 🟠|large_purple_circle 🟣|large_brown_circle 🟤|large_red_square 🟥|large_orange_square 🟧|large_yellow_square 🟨|large_green_square 🟩|large_blue_square 🟦|white_large_square ⬜|black_large_square ⬛|small_red_triangle 🔺|small_blue_diamond 🔹|small_orange_diamond 🔸
pushpin 📌|round_pushpin 📍|paperclip 📎|link 🔗|memo 📝|pencil 📝|pencil2 ✏️|clipboard 📋|page_facing_up 📄|scroll 📜|bookmark 🔖|bookmark_tabs 📑|book 📖|books 📚|notebook 📓|label 🏷️|file_folder 📁|open_file_folder 📂|card_index_dividers 🗂️|wastebasket 🗑️|package 📦|calendar 📅|date 📅|spiral_calendar_pad 🗓️|bar_chart 📊|chart_with_upwards_trend 📈|chart_with_downwards_trend 📉
lock 🔒|unlock 🔓|closed_lock_with_key 🔐|key 🔑|shield 🛡️|mag 🔍|mag_right 🔎|microscope 🔬|bug 🐛|beetle 🪲|skull 💀|ghost 👻|robot_face 🤖|detective 🕵️|spider 🕷️|spider_web 🕸️|door 🚪|ninja 🥷|passport_control 🛂|crossed_swords ⚔️|hammer 🔨|wrench 🔧|hammer_and_wrench 🛠️|gear ⚙️|toolbox 🧰|adhesive_bandage 🩹|test_tube 🧪|fire_extinguisher 🧯|broom 🧹|magnet 🧲
pager 📟|phone 📞|telephone_receiver 📞|telephone ☎️|iphone 📱|computer 💻|desktop_computer 🖥️|keyboard ⌨️|email 📧|envelope ✉️|incoming_envelope 📨|inbox_tray 📥|outbox_tray 📤|mega 📣|loudspeaker 📢|speech_balloon 💬|satellite_antenna 📡|globe_with_meridians 🌐|earth_africa 🌍|cloud ☁️|floppy_disk 💾|cd 💿|electric_plug 🔌|battery 🔋|bulb 💡|camera 📷|movie_camera 🎥|studio_microphone 🎙️
clock1 🕐|clock3 🕒|clock9 🕘|alarm_clock ⏰|stopwatch ⏱️|timer_clock ⏲️|hourglass ⌛|hourglass_flowing_sand ⏳|watch ⌚|arrow_up ⬆️|arrow_down ⬇️|arrow_right ➡️|arrow_left ⬅️|arrow_upper_right ↗️|arrows_counterclockwise 🔄|repeat 🔁|back 🔙|soon 🔜|fast_forward ⏩|arrow_forward ▶️|double_vertical_bar ⏸️|black_square_for_stop ⏹️|record_button ⏺️|new 🆕|ok 🆗|up 🆙|top 🔝|id 🆔
bust_in_silhouette 👤|busts_in_silhouette 👥|construction_worker 👷|cop 👮|guardsman 💂|firefighter 🧑‍🚒|technologist 🧑‍💻|scientist 🧑‍🔬|crown 👑|medal 🏅|trophy 🏆|checkered_flag 🏁|triangular_flag_on_post 🚩|waving_white_flag 🏳️|dart 🎯|coffee ☕|pizza 🍕|seedling 🌱|deciduous_tree 🌳|sunrise 🌅|snowflake ❄️|ocean 🌊|rainbow 🌈|one 1️⃣|two 2️⃣|three 3️⃣|four 4️⃣|five 5️⃣|link_broken ⛓️‍💥|chains ⛓️|scales ⚖️|classical_building 🏛️|office 🏢|factory 🏭|moneybag 💰|credit_card 💳|ship 🚢|anchor ⚓`;

export const emoji = new Map(table.trim().split(/[|\n]/).map((e) => {
  const gap = e.indexOf(' ');
  return [e.slice(0, gap), e.slice(gap + 1)];
}));

export const glyph = (name) => emoji.get(String(name).split('::')[0]) || '';

// What the picker offers first: the ones a war room uses.
export const favourites = ['pushpin', 'eyes', 'white_check_mark', '+1', 'raised_hands', 'pray', 'tada', 'fire', 'rotating_light', 'warning', 'heart', 'thinking_face', 'x', 'question', 'hourglass_flowing_sand', 'rocket', 'mag', 'lock', 'coffee', 'wave'];

export function findEmoji(part, n) {
  const low = part.toLowerCase();
  const names = [...emoji.keys()];
  return [...names.filter((k) => k.startsWith(low)), ...names.filter((k) => !k.startsWith(low) && k.includes(low))].slice(0, n);
}
